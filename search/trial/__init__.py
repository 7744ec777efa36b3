"""The training plane: what runs inside an attempt. Knows no database."""
