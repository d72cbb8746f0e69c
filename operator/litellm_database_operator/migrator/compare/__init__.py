"""What tells whether a database is what its bundle means."""
