"""What changes a database: pending files, and what belongs to a bundle beside them."""
