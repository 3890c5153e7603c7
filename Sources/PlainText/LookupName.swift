/// Names out of files by which things are looked up.
///
/// Swift compares and hashes texts in their normal form, which takes the square of the length of a run of combining
/// marks. So a name has a limit, and what may be longer is compared by its bytes.
public enum LookupName {
    /// The most UTF-8 bytes of a name: several times what any real one has.
    public static let maximumBytes = 1000
}

extension StringProtocol {
    /// Whether it has more bytes than a name may have.
    public var isTooLongForName: Bool { utf8.count > LookupName.maximumBytes }

    /// Whether both have the same UTF-8 bytes; unlike `==` it takes one pass.
    public func hasSameBytes(as other: some StringProtocol) -> Bool { utf8.elementsEqual(other.utf8) }

    /// Whether its UTF-8 bytes begin with those of `prefix`; unlike `hasPrefix` it takes one pass.
    public func startsWithBytes(of prefix: some StringProtocol) -> Bool { utf8.starts(with: prefix.utf8) }
}
