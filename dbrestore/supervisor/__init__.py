"""Program groups of supervisord: all of what ran, one of it as a canary, or none."""
