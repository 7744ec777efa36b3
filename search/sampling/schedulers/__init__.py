"""What decides which trial gets the next epochs: one file a strategy."""
