"""Study files: plain data, no torch, no database."""
