"""One file a command. Its first line is the command's short help, read without importing the file."""
