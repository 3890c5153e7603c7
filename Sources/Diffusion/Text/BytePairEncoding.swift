internal import PlainText

/// Byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909) over bytes, the last of a piece marked as the end of a word.
struct BytePairEncoding: Sendable {
    private struct Merge: Sendable {
        var rank: Int
        var token: Int
    }

    /// The token of each byte inside and at the end of a word; `nil` where the vocabulary lacks it.
    private let inner: [Int?]
    private let final: [Int?]
    /// What two neighbouring tokens become, by both numbers.
    private let merges: [UInt64: Merge]
    private let unknown: Int

    /// The largest token number; a bound for files, far above any vocabulary.
    static let maximumToken = 10_000_000

    /// Reads `vocab.json`: token texts and their numbers.
    static func vocabulary(
        parsing bytes: UnsafeRawBufferPointer, name: String
    ) throws(TokenizerError) -> [String: Int] {
        let document: JSONValue
        do {
            document = try JSONValue(parsing: bytes, maximumDepth: 2)
        } catch {
            throw .badVocabulary(file: name, reason: error.reason(in: bytes))
        }
        guard case .object(let members) = document else {
            throw .badVocabulary(file: name, reason: "expected an object, found \(document.kind)")
        }
        return try vocabulary(members, name: name)
    }

    /// The same from what stands in a file beside other things.
    static func vocabulary(_ members: [String: JSONValue], name: String) throws(TokenizerError) -> [String: Int] {
        var numbers: [String: Int] = [:]
        numbers.reserveCapacity(members.count)
        for (token, value) in members {
            guard case .integer(let number) = value, (0 ... maximumToken).contains(number) else {
                throw .badVocabulary(file: name, reason: "token '\(token.prefix(60))' has no number")
            }
            numbers[token] = number
        }
        return numbers
    }

    /// Two tokens that become one, and where the file says so: its line, or its place in a list.
    typealias Pair = (left: Substring, right: Substring, place: Int)

    /// Reads `merges.txt`: a pair a line, the earlier the sooner it is merged; a first line may tell the version.
    static func merges(parsing text: UnsafeRawBufferPointer, name: String) throws(TokenizerError) -> [Pair] {
        var pairs: [Pair] = []
        var line = 0
        for bytes in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            line += 1
            guard let content = String(validating: bytes, as: UTF8.self) else {
                throw .badMerge(file: name, place: line, reason: "invalid UTF-8")
            }
            guard !content.isTooLongForName else {
                throw .badMerge(file: name, place: line, reason: "expected two tokens")
            }
            if content.hasPrefix("#version") || content.isEmpty || content == "\r" { continue }
            let parts = content.split { $0 == " " || $0 == "\r" || $0 == "\r\n" }
            guard parts.count == 2 else {
                throw .badMerge(file: name, place: line, reason: "expected two tokens")
            }
            pairs.append((parts[0], parts[1], line))
        }
        return pairs
    }

    /// Takes pairs in the order in which they are merged; `name` is what errors call their file.
    init(numbers: [String: Int], merges pairs: [Pair], unknown: Int, name: String) throws(TokenizerError) {
        let alphabet = Self.alphabet
        inner = alphabet.map { numbers[String($0)] }
        final = alphabet.map { numbers[String($0) + "</w>"] }
        self.unknown = unknown
        var merges: [UInt64: Merge] = [:]
        merges.reserveCapacity(pairs.count)
        for (rank, pair) in pairs.enumerated() {
            guard let left = numbers[String(pair.left)], let right = numbers[String(pair.right)],
                let token = numbers[String(pair.left + pair.right)]
            else { throw .badMerge(file: name, place: pair.place, reason: "a token that the vocabulary lacks") }
            merges[Self.key(left, right)] = Merge(rank: rank, token: token)
        }
        self.merges = merges
    }

    private static func key(_ left: Int, _ right: Int) -> UInt64 { UInt64(left) << 32 | UInt64(right) }

    /// The printable characters that stand for the 256 bytes in vocabulary files (`bytes_to_unicode` of GPT-2).
    private static let alphabet: [Character] = {
        let printable = Set(Array(33 ... 126) + Array(161 ... 172) + Array(174 ... 255))
        var next: UInt32 = 256
        return (0 ..< 256).map { byte in
            if printable.contains(byte) { return Character(Unicode.Scalar(UInt8(byte))) }
            defer { next += 1 }
            return Character(Unicode.Scalar(next) ?? " ")
        }
    }()

    /// The alphabet in the order in which CLIP's vocabulary numbers it: printable bytes first.
    static var letters: [String] {
        let isPrintable = { (byte: Int) in (33 ... 126).contains(byte) || (161 ... 172).contains(byte) || byte >= 174 }
        let order = (0 ..< 256).filter(isPrintable) + (0 ..< 256).filter { !isPrintable($0) }
        return order.map { String(alphabet[$0]) }
    }

    /// The tokens of one piece of text.
    ///
    /// The pair of the lowest rank is merged first, the leftmost of equal ones; a heap of pairs and a linked list of
    /// tokens keep this n·log n for a piece of any length.
    func tokens(_ bytes: [UInt8]) -> [Int] {
        guard let last = bytes.indices.last else { return [] }
        var tokens: [Int] = bytes.indices.map { index in
            (index == last ? final[Int(bytes[index])] : inner[Int(bytes[index])]) ?? unknown
        }
        var next = Array(1 ... bytes.count)
        var previous = Array(-1 ..< last)
        var isGone = [Bool](repeating: false, count: bytes.count)
        var heap = PairHeap()

        func offer(_ left: Int, _ right: Int) {
            guard left >= 0, right <= last, let merge = merges[Self.key(tokens[left], tokens[right])] else { return }
            heap.push(.init(rank: merge.rank, position: left, token: merge.token))
        }
        for index in 0 ..< last { offer(index, index + 1) }
        while let pair = heap.pop() {
            let left = pair.position
            let right = next[left]
            // Either token may have been merged into another pair since.
            guard !isGone[left], right <= last, merges[Self.key(tokens[left], tokens[right])]?.token == pair.token
            else { continue }
            tokens[left] = pair.token
            isGone[right] = true
            next[left] = next[right]
            if next[left] <= last { previous[next[left]] = left }
            offer(previous[left], left)
            offer(left, next[left])
        }
        return tokens.indices.filter { !isGone[$0] }.map { tokens[$0] }
    }
}

/// Pairs that can be merged, the one of lowest rank on top.
private struct PairHeap {
    struct Pair {
        var rank: Int
        /// Index of the left token.
        var position: Int
        /// What the pair becomes.
        var token: Int

        static func < (a: Pair, b: Pair) -> Bool { (a.rank, a.position) < (b.rank, b.position) }
    }

    private var pairs: [Pair] = []

    mutating func push(_ pair: Pair) {
        pairs.append(pair)
        var child = pairs.count - 1
        while child > 0, pairs[child] < pairs[(child - 1) / 2] {
            pairs.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> Pair? {
        guard let top = pairs.first, let last = pairs.popLast() else { return nil }
        guard !pairs.isEmpty else { return top }
        pairs[0] = last
        var parent = 0
        while true {
            let left = 2 * parent + 1
            guard left < pairs.count else { return top }
            let child = left + 1 < pairs.count && pairs[left + 1] < pairs[left] ? left + 1 : left
            guard pairs[child] < pairs[parent] else { return top }
            pairs.swapAt(parent, child)
            parent = child
        }
    }
}
