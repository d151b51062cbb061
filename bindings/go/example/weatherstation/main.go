// A weather station: streams hourly observations, one transaction a day, into the gateway that REALM_INGEST_URL names.
//
//	weatherstation OBSERVATIONS.csv
//
// What is committed arrives exactly once, also if this program or the gateway dies on the way. It can be started again at
// any moment: an observation is named by station and hour, so one that is written twice is kept once.
package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	ingest "realm-ingest/go"
)

const station = "USW00024233" // Seattle-Tacoma in NOAA's list of stations

type reading struct {
	ID          string    `bson:"_id"`
	DeviceID    string    `bson:"deviceId"`
	At          time.Time `bson:"at"`
	Temperature float64   `bson:"temperatureInCelsius"`
	Pressure    float64   `bson:"barometricPressureInHectopascal"`
	Wind        float64   `bson:"windSpeedInMetresPerSecond"`
}

var weatherSensorReading = ingest.Class{
	Name: "WeatherSensorReading", Kind: ingest.Asymmetric, PrimaryKey: "_id",
	Properties: []ingest.Property{
		{Name: "_id", Type: "string"},
		{Name: "deviceId", Type: "string"},
		{Name: "at", Type: "date"},
		{Name: "temperatureInCelsius", Type: "double"},
		{Name: "barometricPressureInHectopascal", Type: "double"},
		{Name: "windSpeedInMetresPerSecond", Type: "double"},
	},
}

// parse makes a document of a row: date, pressure, temperature, wind.
func parse(row []string) ([]byte, error) {
	at, err := time.Parse("2006-01-02T15:04:05", row[0])
	if err != nil {
		return nil, err
	}
	var numbers [3]float64
	for i := range numbers {
		if numbers[i], err = strconv.ParseFloat(row[i+1], 64); err != nil {
			return nil, err
		}
	}
	return bson.Marshal(reading{station + "/" + row[0], station, at, numbers[1], numbers[0], numbers[2]})
}

// writeDays writes a transaction for each day, and gives the number of the last one.
func writeDays(realm *ingest.Realm, rows [][]string) (number uint64, err error) {
	day, err := realm.Begin()
	if err != nil {
		return 0, err
	}
	defer day.Close()
	for i, row := range rows {
		document, err := parse(row)
		if err != nil {
			return 0, err
		}
		if err := day.Append(weatherSensorReading.Name, document); err != nil {
			return 0, err
		}
		if last := i == len(rows)-1; last || rows[i+1][0][:10] != row[0][:10] {
			if number, err = day.Commit(); err != nil {
				return 0, err
			}
		}
	}
	return number, nil
}

func run(observations string) error {
	file, err := os.Open(observations)
	if err != nil {
		return err
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return err
	}

	app, err := ingest.OpenApp(ingest.AppConfig{ID: "weather-station"})
	if err != nil {
		return err
	}
	defer app.Close()
	user, err := app.LogInAnonymously()
	if err != nil {
		return err
	}
	defer user.Close()
	realm, err := user.Open([]ingest.Class{weatherSensorReading}, ingest.Options{
		OnError: func(e ingest.SyncError) { fmt.Fprintln(os.Stderr, "session:", e.Message, e.Refusals) },
	})
	if err != nil {
		return err
	}
	defer realm.Close()

	last, err := writeDays(realm, rows[1:]) // without the column names
	if err != nil {
		return err
	}
	fmt.Println("all written, waiting for the upload")
	limited, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := realm.WaitForUpload(limited); err != nil {
		return err
	}
	// What became of a transaction can be asked by its number, also after a restart.
	outcome, err := realm.OutcomeOf(last)
	fmt.Printf("all uploaded; transaction %d is %v\n", last, outcome.State)
	return err
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: weatherstation OBSERVATIONS.csv")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "weatherstation:", err)
		os.Exit(1)
	}
}
