"""`python -m ptinspect` is the same program as `ptinspect`."""

from ptinspect.cli.main import run_and_exit

if __name__ == "__main__":
    run_and_exit()
