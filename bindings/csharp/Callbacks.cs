using System;
using System.Runtime.InteropServices;

namespace RealmIngest
{
    /// <summary>What the library calls, on threads of its own. The delegates live as long as the process.</summary>
    static unsafe class Callbacks
    {
        internal static readonly Native.realm_ingest_realm_config_set_error_callback_callback_delegate OnSyncError = Report;
        internal static readonly Native.realm_ingest_realm_config_set_error_callback_free_userdata_delegate Release = End;

        /// <summary>How long the end of the process waits for the library's threads, in milliseconds. What is pending stays in
        /// its files, so nothing is lost where it takes longer.</summary>
        const long ShutdownLimitMs = 5000;

        // The runtime must not meet its own end in a callback, nor wait for a thread that has run one.
        static Callbacks()
        {
            AppDomain.CurrentDomain.ProcessExit += (sender, end) => Native.realm_ingest_shutdown(ShutdownLimitMs);
        }

        /// <summary>The userdata with which the callback finds its target, until it is released.</summary>
        internal static void* Hold(Action<string> target) => (void*)GCHandle.ToIntPtr(GCHandle.Alloc(target));

        static void Report(void* userdata, realm_ingest_sync_error* error)
        {
            // An exception must not go back into the library.
            try
            {
                UIntPtr length;
                var target = (Action<string>)GCHandle.FromIntPtr((IntPtr)userdata).Target;
                target(Calls.Text(Native.realm_ingest_sync_error_message(error, &length), length));
                var count = (ulong)Native.realm_ingest_sync_error_refusal_count(error);
                for (ulong i = 0; i < count; i++)
                    target(Calls.Text(
                        Native.realm_ingest_sync_error_refusal_reason(error, (UIntPtr)i, &length), length));
            }
            catch (Exception failure)
            {
                Console.Error.WriteLine(failure);
            }
        }

        static void End(void* userdata) => GCHandle.FromIntPtr((IntPtr)userdata).Free();
    }
}
