"""What runs in the Job: brings one database to one bundle."""
