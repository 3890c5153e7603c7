extension String {
    /// A short name for a long text, the same on every run and machine: Fowler, Noll and Vo's hash FNV-1a, 64 bits, of its
    /// UTF-8, in hexadecimal.
    public var stableHash: String {
        let value = utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return String(value, radix: 16)
    }
}
