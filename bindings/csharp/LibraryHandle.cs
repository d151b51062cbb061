using System;
using System.Runtime.InteropServices;

namespace RealmIngest
{
    /// <summary>An object of the library. It is freed once it was disposed of, or forgotten, and no thread uses it any
    /// more.</summary>
    sealed unsafe class LibraryHandle : SafeHandle
    {
        readonly Action<IntPtr> free;

        internal LibraryHandle(void* pointer, Action<IntPtr> free) : base(IntPtr.Zero, true)
        {
            this.free = free;
            SetHandle((IntPtr)pointer);
        }

        public override bool IsInvalid => handle == IntPtr.Zero;

        protected override bool ReleaseHandle()
        {
            free(handle);
            return true;
        }

        /// <summary>Keeps the object until what this gives is disposed of.</summary>
        /// <exception cref="ObjectDisposedException">It was disposed of before.</exception>
        internal Using Use()
        {
            var added = false;
            DangerousAddRef(ref added);
            return new Using(this);
        }

        internal readonly struct Using : IDisposable
        {
            readonly LibraryHandle owner;
            internal IntPtr Pointer => owner.handle;

            internal Using(LibraryHandle owner)
            {
                this.owner = owner;
            }

            public void Dispose() => owner.DangerousRelease();
        }
    }
}
