"""What a user sees in the terminal: live table, plain lines, JSON, console tables."""
