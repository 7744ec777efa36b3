"""Done with a study afterwards: confirming, extending, exporting, replaying."""
