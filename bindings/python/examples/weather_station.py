"""A weather station: streams hourly observations, one transaction a day, into the gateway that REALM_INGEST_URL names.

    python weather_station.py OBSERVATIONS.csv

What is written arrives exactly once, also if this program or the gateway dies on the way. It can be started again at
any moment: an observation is named by station and hour, so one that is written twice is kept once.
"""

import csv
import itertools
import sys
from dataclasses import dataclass
from datetime import datetime, timezone

import realm_ingest

STATION = "USW00024233"  # Seattle-Tacoma in NOAA's list of stations


@realm_ingest.asymmetric
@dataclass
class WeatherSensorReading:
    _id: str
    deviceId: str
    at: datetime
    temperatureInCelsius: float
    barometricPressureInHectopascal: float
    windSpeedInMetresPerSecond: float


def reading(row):
    return WeatherSensorReading(
        _id=f"{STATION}/{row['date']}",
        deviceId=STATION,
        at=datetime.fromisoformat(row["date"]).replace(tzinfo=timezone.utc),
        temperatureInCelsius=float(row["temperature"]),
        barometricPressureInHectopascal=float(row["pressure"]),
        windSpeedInMetresPerSecond=float(row["wind"]),
    )


def on_error(error):
    """Runs on a thread of the library."""
    print("session:", error.message, *error.refusals, sep="\n  ", file=sys.stderr)


def main(observations):
    app = realm_ingest.App("weather-station")
    user = app.current_user or app.log_in()
    with user.open([WeatherSensorReading], on_error=on_error) as realm, open(observations, newline="") as file:
        for _, day in itertools.groupby(csv.DictReader(file), lambda row: row["date"][:10]):
            last = realm.write(*map(reading, day))
        print("all written, waiting for the upload")
        realm.wait_for_upload(timeout=60)
        # What became of a transaction can be asked by its number, also after a restart.
        print(f"all uploaded; transaction {last} is {realm.state_of(last).name.lower()}")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except realm_ingest.IngestError as error:
        sys.exit(f"weather station: {error}")
