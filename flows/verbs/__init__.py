"""The verbs that read verdicts, and the options that verbs share; flows/cli.py has the other verbs."""
