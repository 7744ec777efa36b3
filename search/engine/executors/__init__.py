"""What starts attempts. A family: one protocol, one dictionary of implementations."""
