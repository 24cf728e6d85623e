"""What is printed, drawn and written: one file a command."""
