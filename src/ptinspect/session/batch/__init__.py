"""The test batch: what is asked for, what the child process told, and what the window shows of it."""
