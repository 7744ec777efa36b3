"""Live table, plain lines, JSON and console tables for a user in a terminal or a notebook."""
