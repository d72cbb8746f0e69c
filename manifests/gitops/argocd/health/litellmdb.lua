-- What Argo CD shows of a LiteLLMDatabase or a PostgresServer, and what its sync waves wait for.
-- Argo CD does not read Ready, Reconciling and Stalled by itself, and lets base, table and a part of os be used here.

local function verdict(health, condition)
  return { status = health, message = condition.reason .. ": " .. condition.message }
end

if obj.spec ~= nil and obj.spec.suspend then
  return { status = "Suspended", message = "spec.suspend is set: nothing is changed or healed" }
end

local status = obj.status or {}
if status.conditions == nil or status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "waiting for the operator to look at it" }
end

local conditions = {}
for _, condition in ipairs(status.conditions) do
  conditions[condition.type] = condition
end

local ready = conditions.Ready
if ready == nil then
  return { status = "Progressing", message = "waiting for the operator to say Ready" }
end
-- A plan that waits for a person is nothing broken: a wave waits here, where Degraded would end the sync.
if ready.status == "False" and ready.reason == "AwaitingApproval" then
  return verdict("Suspended", ready)
end

local said = {
  { "Stalled", "Degraded" },
  { "Reconciling", "Progressing" },
  { "Ready", "Healthy" },
}
for _, each in ipairs(said) do
  local condition = conditions[each[1]]
  if condition ~= nil and condition.status == "True" then
    return verdict(each[2], condition)
  end
end
return verdict(ready.status == "False" and "Degraded" or "Progressing", ready)
