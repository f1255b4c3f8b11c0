"""What people see, as files that can be read. `python -m tests.goldens` writes them anew; look at the difference before you commit."""
