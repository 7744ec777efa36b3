"""Report and export of a study, computed from its record alone."""
