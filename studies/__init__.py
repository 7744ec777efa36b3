"""Study files that come with the tool."""
