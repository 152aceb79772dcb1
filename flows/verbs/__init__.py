"""The verbs of the command line, one file a group, and the options that they share."""
