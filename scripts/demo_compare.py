#!/usr/bin/env python3
"""Proves that the exported documents are the observations of the file: all of them, once each, nothing else.

    demo_compare.py OBSERVATIONS.csv < export.jsonl
"""

import csv
import datetime
import json
import sys
from collections import Counter

STATION = "USW00024233"


def expected(path):
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            yield (
                f"{STATION}/{row['date']}",
                STATION,
                datetime.datetime.fromisoformat(row["date"]).replace(tzinfo=datetime.timezone.utc),
                float(row["temperature"]),
                float(row["pressure"]),
                float(row["wind"]),
            )


def arrived(lines):
    for line in lines:
        document = json.loads(line)
        yield (
            document["_id"],
            document["deviceId"],
            datetime.datetime.fromisoformat(document["at"]["$date"].replace("Z", "+00:00")),
            document["temperatureInCelsius"],
            document["barometricPressureInHectopascal"],
            document["windSpeedInMetresPerSecond"],
        )


def main():
    wanted, got = Counter(expected(sys.argv[1])), Counter(arrived(sys.stdin))
    missing, invented = wanted - got, got - wanted
    print(f"observations in the file   {sum(wanted.values()):>8,}")
    print(f"documents at the gateway   {sum(got.values()):>8,}")
    print(f"missing                    {sum(missing.values()):>8,}")
    print(f"doubled or invented        {sum(invented.values()):>8,}")
    for what, rows in (("missing", missing), ("not expected", invented)):
        for row in list(rows)[:3]:
            print(f"  {what}: {row}")
    return 1 if missing or invented else 0


if __name__ == "__main__":
    sys.exit(main())
