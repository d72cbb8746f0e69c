"""Whether the migrator's verdict is true: tried against a witness that shares no code with it; `make truth`."""
