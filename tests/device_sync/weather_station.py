#!/usr/bin/python3
"""A weather station whose application was written with a Realm SDK: examples/weather_station.cpp, on the driver.

    weather_station.py DRIVER URL WORK_DIR OBSERVATIONS.csv [--days N]

Streams the observations of the first N days (all), one write a day.
"""

import argparse
import csv
import datetime
import itertools
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../cluster"))
from device import Device  # noqa: E402

STATION = "USW00024233"
CLASSES = [
    {
        "name": "WeatherSensorReading",
        "kind": "asymmetric",
        "properties": {
            "_id": "string",
            "deviceId": "string",
            "at": "date",
            "temperatureInCelsius": "double",
            "barometricPressureInHectopascal": "double",
            "windSpeedInMetresPerSecond": "double",
        },
    }
]


def days(path):
    """The days of the file, each with its observations."""
    with open(path, newline="") as file:
        for _, rows in itertools.groupby(csv.DictReader(file), lambda row: row["date"][:10]):
            yield [
                {
                    "_id": f"{STATION}/{row['date']}",
                    "deviceId": STATION,
                    "at": datetime.datetime.fromisoformat(row["date"]),
                    "temperatureInCelsius": float(row["temperature"]),
                    "barometricPressureInHectopascal": float(row["pressure"]),
                    "windSpeedInMetresPerSecond": float(row["wind"]),
                }
                for row in rows
            ]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("driver")
    parser.add_argument("url")
    parser.add_argument("work")
    parser.add_argument("observations")
    parser.add_argument("--days", type=int)
    options = parser.parse_args()

    os.makedirs(options.work, exist_ok=True)
    device = Device("old", options.driver, options.work, app_id="weather-station").start(options.url)
    device.log_in()
    device.open(CLASSES)
    for number, observations in enumerate(itertools.islice(days(options.observations), options.days), 1):
        device.write("WeatherSensorReading", observations)
        if number % 30 == 0:
            print(f"written: {number} days", flush=True)
    print("all written, waiting for the upload", flush=True)
    device.await_upload()
    for error in device.errors():
        print(f"sync: {error['message']}", file=sys.stderr)
    device.ask("close", file="file")
    device.ask("await_end_of_sessions")
    device.kill()
    print("all uploaded", flush=True)


if __name__ == "__main__":
    main()
