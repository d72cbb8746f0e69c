"""When a pass runs, who may run it, and who is looked at when."""
