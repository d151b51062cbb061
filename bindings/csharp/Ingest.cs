// Streams documents into MongoDB, one way, durably, over the declarations in Native.g.cs.
using System;
using System.Runtime.InteropServices;
using System.Text;

namespace RealmIngest
{
    /// <summary>A call of the library failed.</summary>
    public sealed class IngestException : Exception
    {
        /// <summary>One of the REALM_INGEST_ constants of the C header.</summary>
        public uint Code { get; }

        /// <summary>The code's name, such as InvalidPassword.</summary>
        public string Name { get; }

        internal IngestException(uint code, string name, string message) : base(message)
        {
            Code = code;
            Name = name;
        }
    }

    /// <summary>What is known of a transaction.</summary>
    public enum State : byte
    {
        Pending = Native.REALM_INGEST_STATE_PENDING,
        Sent = Native.REALM_INGEST_STATE_SENT,
        Persisted = Native.REALM_INGEST_STATE_PERSISTED,
        Refused = Native.REALM_INGEST_STATE_REFUSED,
        Dropped = Native.REALM_INGEST_STATE_DROPPED,
        Damaged = Native.REALM_INGEST_STATE_DAMAGED,
        Unknown = Native.REALM_INGEST_STATE_UNKNOWN,
    }

    /// <summary>An app: its server, which REALM_INGEST_URL names, and its users. Any thread may use it.</summary>
    public sealed unsafe class App : IDisposable
    {
        readonly LibraryHandle handle;

        /// <exception cref="IngestException">The id or the address is not valid, or the library is older than these
        /// declarations.</exception>
        public App(string id)
        {
            realm_ingest_error* error = null;
            Calls.Check(Native.realm_ingest_check_abi(Native.REALM_INGEST_ABI_VERSION, &error), error);
            realm_ingest_app_config* config = null;
            realm_ingest_app* app = null;
            var text = new Utf8(id);
            fixed (byte* bytes = text.Bytes)
                Calls.Check(Native.realm_ingest_app_config_new(bytes, text.Length, &error, &config), error);
            try
            {
                Calls.Check(Native.realm_ingest_app_new(config, &error, &app), error);
            }
            finally
            {
                Native.realm_ingest_app_config_free(config);
            }
            handle = new LibraryHandle(app, pointer => Native.realm_ingest_app_free((realm_ingest_app*)pointer));
        }

        /// <summary>Logs in without credentials. Waits for the server, except where an anonymous user is logged in
        /// already, who is then the user.</summary>
        public User LogInAnonymously()
        {
            realm_ingest_user* user = null;
            realm_ingest_error* error = null;
            using (var app = handle.Use())
                Calls.Check(
                    Native.realm_ingest_app_login_anonymous((realm_ingest_app*)app.Pointer, &error, &user), error);
            return new User(user);
        }

        public void Dispose() => handle.Dispose();
    }

    /// <summary>A user who logged in. Any thread may use it.</summary>
    public sealed unsafe class User : IDisposable
    {
        readonly LibraryHandle handle;

        internal User(realm_ingest_user* user)
        {
            handle = new LibraryHandle(user, pointer => Native.realm_ingest_user_free((realm_ingest_user*)pointer));
        }

        /// <summary>Opens the user's realm for the classes of a schema, and starts to upload what it holds.</summary>
        /// <param name="schemaJson">Such as {"classes":[{"name":"Reading","kind":"asymmetric",...}]}.</param>
        /// <param name="onError">Gets what the session reports, on a thread of the library: return soon. What it throws is
        /// written to the standard error stream. Null for nobody.</param>
        public Realm Open(string schemaJson, Action<string> onError)
        {
            realm_ingest_error* error = null;
            realm_ingest_realm_config* config = null;
            realm_ingest_realm* realm = null;
            var text = new Utf8(schemaJson);
            fixed (byte* bytes = text.Bytes)
                Calls.Check(Native.realm_ingest_realm_config_new(bytes, text.Length, &error, &config), error);
            try
            {
                if (onError != null)
                    Calls.Check(
                        Native.realm_ingest_realm_config_set_error_callback(
                            config, Callbacks.OnSyncError, Callbacks.Hold(onError), Callbacks.Release, &error),
                        error);
                using (var user = handle.Use())
                    Calls.Check(
                        Native.realm_ingest_realm_new((realm_ingest_user*)user.Pointer, config, &error, &realm), error);
            }
            finally
            {
                Native.realm_ingest_realm_config_free(config);
            }
            return new Realm(realm);
        }

        public void Dispose() => handle.Dispose();
    }

    /// <summary>An open realm. Any thread may use it. Its end closes it: what waits stays in the file and is still uploaded
    /// while the program runs, or after its next start.</summary>
    public sealed unsafe class Realm : IDisposable
    {
        readonly LibraryHandle handle;

        internal Realm(realm_ingest_realm* realm)
        {
            handle = new LibraryHandle(realm, pointer => Native.realm_ingest_realm_free((realm_ingest_realm*)pointer));
        }

        /// <summary>Begins a transaction; several may be under way at once.</summary>
        public Transaction Begin()
        {
            realm_ingest_error* error = null;
            realm_ingest_transaction* transaction = null;
            using (var realm = handle.Use())
                Calls.Check(
                    Native.realm_ingest_transaction_new((realm_ingest_realm*)realm.Pointer, &error, &transaction), error);
            return new Transaction(transaction);
        }

        /// <summary>Waits until the server has acknowledged everything committed before the call.</summary>
        /// <exception cref="IngestException">WaitTimedOut where the limit was reached: the upload goes on.</exception>
        public void WaitForUpload(TimeSpan limit)
        {
            realm_ingest_error* error = null;
            using (var realm = handle.Use())
                Calls.Check(
                    Native.realm_ingest_realm_wait_for_upload(
                        (realm_ingest_realm*)realm.Pointer, (long)limit.TotalMilliseconds, &error),
                    error);
        }

        /// <summary>What is known of the transaction of this number, also of an earlier start. Asks no server.</summary>
        public State StateOf(ulong number)
        {
            realm_ingest_error* error = null;
            byte state = 0;
            using (var realm = handle.Use())
                Calls.Check(
                    Native.realm_ingest_realm_state_of((realm_ingest_realm*)realm.Pointer, number, &error, &state), error);
            return (State)state;
        }

        public void Dispose() => handle.Dispose();
    }

    /// <summary>Documents that are stored all or not at all; one thread at a time. Its end forgets what was not
    /// committed.</summary>
    public sealed unsafe class Transaction : IDisposable
    {
        readonly LibraryHandle handle;

        internal Transaction(realm_ingest_transaction* transaction)
        {
            handle = new LibraryHandle(
                transaction, pointer => Native.realm_ingest_transaction_free((realm_ingest_transaction*)pointer));
        }

        /// <summary>Adds one or more BSON documents of one class, back to back, in memory until the commit.</summary>
        public void Append(string className, byte[] documents)
        {
            if (documents == null)
                throw new ArgumentNullException(nameof(documents));
            realm_ingest_error* error = null;
            var name = new Utf8(className);
            using (var transaction = handle.Use())
            fixed (byte* nameBytes = name.Bytes, bytes = documents)
                Calls.Check(
                    Native.realm_ingest_transaction_append(
                        (realm_ingest_transaction*)transaction.Pointer, nameBytes, name.Length, bytes,
                        (UIntPtr)documents.Length, &error),
                    error);
        }

        /// <summary>Stores what was appended, all or nothing, and begins anew. It is on stable storage when this
        /// returns.</summary>
        /// <returns>The number for <see cref="Realm.StateOf"/>; 0 where nothing was appended.</returns>
        public ulong Commit()
        {
            realm_ingest_error* error = null;
            ulong number = 0;
            using (var transaction = handle.Use())
                Calls.Check(
                    Native.realm_ingest_transaction_commit(
                        (realm_ingest_transaction*)transaction.Pointer, &error, &number),
                    error);
            return number;
        }

        public void Dispose() => handle.Dispose();
    }

    /// <summary>Text as the library takes it. The NUL is there so that an empty one has an address too.</summary>
    readonly struct Utf8
    {
        /// <summary>Throws for half a surrogate pair, in whose place another text would be taken.</summary>
        static readonly Encoding Strict = new UTF8Encoding(false, true);

        internal readonly byte[] Bytes;
        internal UIntPtr Length => (UIntPtr)(Bytes.Length - 1);

        internal Utf8(string text)
        {
            if (text == null)
                throw new ArgumentNullException(nameof(text));
            Bytes = Strict.GetBytes(text + '\0');
        }
    }

    static unsafe class Calls
    {
        /// <summary>Throws the reason of a call that failed, and frees it.</summary>
        internal static void Check(uint code, realm_ingest_error* error)
        {
            if (code == Native.REALM_INGEST_OK)
                return;
            UIntPtr length;
            var name = Text(Native.realm_ingest_error_name(error, &length), length);
            var message = Text(Native.realm_ingest_error_message(error, &length), length);
            Native.realm_ingest_error_free(error);
            throw new IngestException(code, name, message);
        }

        internal static string Text(byte* bytes, UIntPtr length) => Encoding.UTF8.GetString(bytes, (int)length);
    }
}
