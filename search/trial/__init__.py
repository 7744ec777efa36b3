"""The training plane: all that runs inside an attempt. Knows no database."""
