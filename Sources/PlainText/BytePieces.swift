/// Bytes that come piece by piece, in a number that is not known before.
///
/// An array that grows is copied each time, which for gigabytes takes longer than reading them.
public struct BytePieces: Sendable {
    private var pieces: [[UInt8]] = []
    /// All bytes so far.
    public private(set) var count = 0

    /// Pieces smaller than this are put together.
    private static let smallest = 4 << 20

    public init() {}

    /// The beginning: all of it as long as it is no larger than a piece.
    public var first: [UInt8] { pieces.first ?? [] }

    /// Makes room for `total` bytes in all, so that they are one piece.
    public mutating func reserve(_ total: Int) {
        precondition(pieces.count <= 1, "the pieces are several already")
        if pieces.isEmpty { pieces.append([]) }
        pieces[0].reserveCapacity(total)
    }

    public mutating func append(_ bytes: ArraySlice<UInt8>) {
        count += bytes.count
        let last = pieces.count - 1
        if last >= 0, pieces[last].count + bytes.count <= max(pieces[last].capacity, Self.smallest) {
            pieces[last].append(contentsOf: bytes)
        } else {
            var piece: [UInt8] = []
            piece.reserveCapacity(pieces.isEmpty ? bytes.count : Self.smallest)
            piece.append(contentsOf: bytes)
            pieces.append(piece)
        }
    }

    /// All bytes; each piece is given back once it is copied.
    public consuming func joined() -> [UInt8] {
        if pieces.count == 1 { return pieces[0] }
        var all: [UInt8] = []
        all.reserveCapacity(count)
        for index in pieces.indices {
            all.append(contentsOf: pieces[index])
            pieces[index] = []
        }
        return all
    }
}
