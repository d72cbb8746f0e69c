"""Decisions, pure: from what was asked and what was observed to steps."""
