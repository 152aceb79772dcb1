"""`make bench`: everything that is claimed of speed, measured in one run on this machine."""

from bench import exectrace

if __name__ == "__main__":
    exectrace.main()
