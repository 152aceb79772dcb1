"""`make bench`: everything that is claimed of speed, measured in one run on this machine.

    python -m bench [--part profiles,sync,…] [--repeats 5]

Its parts are those of bench/exectrace.py, and bench/profiles.py.
"""

import argparse

from bench import exectrace, profiles


def main() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--part", default=f"{exectrace.PARTS},profiles")
    parts = set(parser.parse_known_args()[0].part.split(","))
    if parts != {"profiles"}:
        exectrace.main()
    if "profiles" in parts:
        profiles.main()


if __name__ == "__main__":
    main()
