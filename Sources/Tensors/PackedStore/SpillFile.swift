internal import PlainText

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Memory that is a file's without a name, so that its pages can leave memory and come back. The disk's room is given back
/// with it.
@safe final class SpillFile {
    let bytes: UnsafeMutableRawBufferPointer

    /// `nil` where the folder has no room or cannot be written to.
    init?(size: Int, folder: String) {
        var template = (folder + "/editor-spill-XXXXXX").nativePath
        let descriptor = unsafe template.withUnsafeMutableBufferPointer { unsafe mkstemp($0.baseAddress!) }
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        _ = unsafe template.withUnsafeBufferPointer { unsafe unlink($0.baseAddress!) }
        guard Self.reserve(size, of: descriptor),
            let base = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
            unsafe base != MAP_FAILED
        else { return nil }
        unsafe bytes = UnsafeMutableRawBufferPointer(start: base, count: size)
    }

    deinit { unsafe munmap(bytes.baseAddress!, bytes.count) }

    /// Room is taken now: a page without any would end the process when it is written to.
    private static func reserve(_ size: Int, of descriptor: Int32) -> Bool {
        #if os(Linux)
            posix_fallocate(descriptor, 0, off_t(size)) == 0
        #else
            ftruncate(descriptor, off_t(size)) == 0  // untested
        #endif
    }
}
