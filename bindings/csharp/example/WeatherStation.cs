// A weather station: streams hourly observations, one transaction a day, into the gateway that REALM_INGEST_URL names.
//
//     weather_station.exe OBSERVATIONS.csv
//
// What is committed arrives exactly once, also if this program or the gateway dies on the way. It can be started again at
// any moment: an observation is named by station and hour, so one that is written twice is kept once.
using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using RealmIngest;

static class WeatherStation
{
    const string Station = "USW00024233"; // Seattle-Tacoma in NOAA's list of stations
    const string Class = "WeatherSensorReading";
    const string Schema =
        @"{""classes"":[{""name"":""WeatherSensorReading"",""kind"":""asymmetric"",""primary_key"":""_id"",""properties"":[
            {""name"":""_id"",""type"":""string""},
            {""name"":""deviceId"",""type"":""string""},
            {""name"":""at"",""type"":""date""},
            {""name"":""temperatureInCelsius"",""type"":""double""},
            {""name"":""barometricPressureInHectopascal"",""type"":""double""},
            {""name"":""windSpeedInMetresPerSecond"",""type"":""double""}]}]}";
    static readonly DateTime Epoch = new DateTime(1970, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>Makes a document of a line such as 2010-01-01T01:00:00,1016.6,4.0,3.8. A BSON library does so as
    /// well.</summary>
    static byte[] Reading(string line)
    {
        var fields = line.Split(',');
        var at = DateTime.Parse(
            fields[0], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
        var document = new MemoryStream();
        var to = new BinaryWriter(document); // little-endian, as BSON is
        to.Write(0); // the length, when it is known
        PutString(to, "_id", Station + "/" + fields[0]);
        PutString(to, "deviceId", Station);
        PutName(to, 9, "at");
        to.Write((long)(at - Epoch).TotalMilliseconds);
        PutDouble(to, "temperatureInCelsius", fields[2]);
        PutDouble(to, "barometricPressureInHectopascal", fields[1]);
        PutDouble(to, "windSpeedInMetresPerSecond", fields[3]);
        to.Write((byte)0);
        to.Seek(0, SeekOrigin.Begin);
        to.Write((int)document.Length);
        return document.ToArray();
    }

    static void PutName(BinaryWriter to, byte type, string name)
    {
        to.Write(type);
        to.Write(Encoding.UTF8.GetBytes(name + '\0'));
    }

    static void PutString(BinaryWriter to, string name, string value)
    {
        var bytes = Encoding.UTF8.GetBytes(value + '\0');
        PutName(to, 2, name);
        to.Write(bytes.Length);
        to.Write(bytes);
    }

    static void PutDouble(BinaryWriter to, string name, string value)
    {
        PutName(to, 1, name);
        to.Write(double.Parse(value, CultureInfo.InvariantCulture));
    }

    static int Main(string[] arguments)
    {
        if (arguments.Length != 1)
        {
            Console.Error.WriteLine("usage: weather_station.exe OBSERVATIONS.csv");
            return 2;
        }
        try
        {
            using (var app = new App("weather-station"))
            using (var user = app.LogInAnonymously())
            using (var realm = user.Open(Schema, message => Console.Error.WriteLine("session: " + message)))
            using (var transaction = realm.Begin())
            {
                ulong last = 0;
                var lines = File.ReadLines(arguments[0]).Skip(1); // without the column names
                foreach (var day in lines.GroupBy(line => line.Substring(0, 10)))
                {
                    foreach (var line in day)
                        transaction.Append(Class, Reading(line));
                    last = transaction.Commit();
                }
                Console.WriteLine("all written, waiting for the upload");
                realm.WaitForUpload(TimeSpan.FromMinutes(1));
                // What became of a transaction can be asked by its number, also after a restart.
                Console.WriteLine($"all uploaded; transaction {last} is {realm.StateOf(last)}");
            }
            return 0;
        }
        catch (IngestException failure)
        {
            Console.Error.WriteLine($"weather station: {failure.Message} ({failure.Name})");
            return 1;
        }
    }
}
