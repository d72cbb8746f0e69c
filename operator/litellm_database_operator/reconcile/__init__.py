"""One pass: look, decide, act, report."""
