"""The child process: the one place where torch is imported and a model is run."""
