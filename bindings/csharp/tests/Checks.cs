// What the classes promise, through the gateway that REALM_INGEST_URL names. Ends with 1 where one does not hold.
using System;
using System.Text;
using System.Threading;
using RealmIngest;

static class Checks
{
    const string Schema =
        @"{""classes"":[{""name"":""SharpReading"",""kind"":""asymmetric"",""primary_key"":""_id"",""properties"":[
            {""name"":""_id"",""type"":""int""},{""name"":""value"",""type"":""int""}]}]}";
    static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);
    static int failed;

    static void Check(bool holds, string promise)
    {
        Console.WriteLine((holds ? "holds: " : "DOES NOT HOLD: ") + promise);
        failed |= holds ? 0 : 1;
    }

    static void Throws<E>(Action call, Func<E, bool> expected, string promise) where E : Exception
    {
        try
        {
            call();
            Check(false, promise);
        }
        catch (E failure)
        {
            Check(expected(failure), promise);
        }
    }

    /// <summary>A document of BSON with two numbers.</summary>
    static byte[] Reading(long id, long value)
    {
        var document = new byte[33];
        document[0] = (byte)document.Length;
        Put(document, 4, "_id", id);
        Put(document, 17, "value", value);
        return document;
    }

    static void Put(byte[] document, int at, string name, long number)
    {
        document[at] = 0x12; // an int of 64 bits
        Encoding.UTF8.GetBytes(name).CopyTo(document, at + 1);
        BitConverter.GetBytes(number).CopyTo(document, at + 2 + name.Length);
    }

    static ulong Write(Realm realm, params byte[][] documents)
    {
        using (var transaction = realm.Begin())
        {
            foreach (var document in documents)
                transaction.Append("SharpReading", document);
            return transaction.Commit();
        }
    }

    static int Main()
    {
        var told = new ManualResetEventSlim();
        var app = new App("checks");
        var user = app.LogInAnonymously();
        var realm = user.Open(Schema, message => told.Set());
        var number = Write(realm, Reading(1, 1), Reading(2, 2));
        realm.WaitForUpload(Limit);
        Check(realm.StateOf(number) == State.Persisted, "what is written is persisted");
        Check(realm.StateOf(number + 1) == State.Unknown, "a number that was not given out is unknown");

        number = Write(realm, Reading(1, 7));
        realm.WaitForUpload(Limit);
        Check(realm.StateOf(number) == State.Refused && told.Wait(Limit), "a refused document is told");

        Throws<IngestException>(
            () => Write(realm, new byte[] { 1, 2, 3 }),
            e => e.Code == 3000 && e.Name == "InvalidArgument" && e.Message.Contains("BSON"),
            "a failure has code, name and message");

        Throws<ArgumentException>(() => new App(null), e => true, "a text that is null is refused");
        Throws<ArgumentException>(() => new App("half a pair: \ud800"), e => true, "a text that is none is refused");
        Throws<ArgumentException>(() => Write(realm, new byte[][] { null }), e => true, "bytes that are null are refused");
        using (var unheard = user.Open(Schema.Replace("SharpReading", "SharpUnheard"), null))
            Check(unheard != null, "nobody need hear of errors");

        var forgotten = realm.Begin();
        forgotten.Append("SharpReading", Reading(3, 3));
        forgotten.Dispose();
        Throws<ObjectDisposedException>(() => forgotten.Commit(), e => true, "a transaction that is gone cannot be committed");

        app.Dispose();
        user.Dispose();
        number = Write(realm, Reading(4, 4));
        realm.WaitForUpload(Limit);
        Check(realm.StateOf(number) == State.Persisted, "a realm works on without what made it");

        realm.Dispose();
        realm.Dispose();
        Throws<ObjectDisposedException>(() => realm.StateOf(number), e => true, "a realm that is gone says so");
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return failed;
    }
}
