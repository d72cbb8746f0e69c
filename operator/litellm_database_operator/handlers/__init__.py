"""The door: kopf calls in here, and an event becomes a key in the queue."""
