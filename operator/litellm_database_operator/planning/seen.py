"""What a database is, seen from a target: asked by the operator's passes, and by wait/, which has to start fast."""

from litellm_database_operator.model.bundle import Bundle
from litellm_database_operator.model.observed import InsideFacts
from litellm_database_operator.model.schema_state import SchemaFacts, SchemaState, schema_state


def state_of(target: Bundle, inside: InsideFacts) -> SchemaState:
    """Name the state of a database, by ledger, tables and the last comparison with that very target."""
    judged = inside.comparison(target.digest)
    return schema_state(
        target.migrations,
        SchemaFacts(
            tables=inside.tables,
            finished=inside.finished,
            unfinished=inside.unfinished,
            missing=judged.missing if judged else (),
        ),
    )
