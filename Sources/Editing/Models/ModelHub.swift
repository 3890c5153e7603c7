internal import Diffusion
internal import PlainText

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// A server that speaks the Hugging Face hub's API (https://huggingface.co/docs/hub/api): what its models hold, and their
/// files.
public struct ModelHub: Sendable {
    /// Without a slash at its end.
    let endpoint: String
    private let token: String?

    /// From `HF_ENDPOINT` (https://huggingface.co) and `HF_TOKEN`. Throws `ModelStoreError.badSetting`.
    public init() throws {
        try self.init(
            endpoint: FileSystem.environment("HF_ENDPOINT") ?? "https://huggingface.co",
            token: FileSystem.environment("HF_TOKEN"))
    }

    init(endpoint: String, token: String?) throws {
        var endpoint = endpoint
        while endpoint.hasSuffix("/") { endpoint.removeLast() }
        guard let origin = Self.origin(of: endpoint), !endpoint.contains(where: { $0.isWhitespace || $0 == "@" }) else {
            throw ModelStoreError.badSetting(
                name: "HF_ENDPOINT", reason: "it is '\(endpoint)', expected https:// and a host")
        }
        let trimmed = token?.split(whereSeparator: \.isWhitespace).joined(separator: " ") ?? ""
        if !trimmed.isEmpty {
            guard trimmed.utf8.allSatisfy({ (0x21 ... 0x7E).contains($0) }) else {
                throw ModelStoreError.badSetting(name: "HF_TOKEN", reason: "it holds more than one word of ASCII")
            }
            let isHere = ["127.0.0.1", "localhost", "[::1]"].contains {
                origin == "http://\($0)" || origin.hasPrefix("http://\($0):")
            }
            guard origin.hasPrefix("https://") || isHere else {
                throw ModelStoreError.badSetting(
                    name: "HF_TOKEN", reason: "\(endpoint) would see it in plain text, as it is not https://")
            }
        }
        self.endpoint = endpoint
        self.token = trimmed.isEmpty ? nil : trimmed
    }

    /// Scheme, host and port, in lower case; `nil` for an address that is not one of HTTP.
    private static func origin(of address: String) -> String? {
        let lower = address.lowercased()
        for scheme in ["https://", "http://"] where lower.hasPrefix(scheme) {
            let host = lower.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            return host.isEmpty ? nil : scheme + host
        }
        return nil
    }

    /// What is said of an address: without what follows its path, which may be a signature that opens the file.
    private static func shown(_ address: String) -> String { String(address.prefix { $0 != "?" && $0 != "#" }) }

    /// A model of a hub: `OWNER/NAME` or `OWNER/NAME@REVISION`.
    public struct Reference: Sendable, Equatable {
        public let repository: String
        public let revision: String

        /// Throws `ModelStoreError.badReference`.
        public init(_ text: String) throws {
            let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
            let words = parts[0].split(separator: "/", omittingEmptySubsequences: false)
            let revision = parts.count > 1 ? String(parts[1]) : "main"
            func isName(_ word: Substring, _ others: String) -> Bool {
                !word.isEmpty && word.utf8.count <= 96 && word.first != "." && word.first != "-"
                    && !word.contains("..")
                    && word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || others.contains($0)) }
            }
            guard words.count == 2, words.allSatisfy({ isName($0, "._-") }), isName(revision[...], "._-/") else {
                throw ModelStoreError.badReference(text)
            }
            repository = String(parts[0])
            self.revision = revision
        }

        var description: String { revision == "main" ? repository : "\(repository)@\(revision)" }
    }

    /// What a hub says of a file.
    struct File: Sendable, Equatable {
        var path: String
        var size: Int
        /// In lower case; `nil` for a small one, which Git holds itself.
        var sha256: String?
    }

    struct Listing: Sendable {
        /// The commit, by which files are asked for, so that they belong together.
        var revision: String
        var files: [File]
    }

    /// What a model's revision holds.
    ///
    /// - Throws: `ModelStoreError`, or what `observe` throws.
    func listing(_ reference: Reference, observe: @escaping () throws -> Void) throws -> Listing {
        let address =
            "\(endpoint)/api/models/\(reference.repository)/revision/\(Self.escaped(reference.revision, slash: true))?blobs=true"
        let (head, bytes) = try get(address, what: "model '\(reference.description)'", observe: observe)
        func failure(_ reason: String) -> ModelStoreError {
            .badAnswer(address: Self.shown(address), reason: reason)
        }
        guard head.status == 200 else { throw failure("its status is \(head.status)") }
        let document: JSONValue
        do {
            document = try bytes.withUnsafeBytes { try JSONValue(parsing: $0) }
        } catch { throw failure("\(error)") }
        guard case .object(let members) = document, case .string(let revision)? = members["sha"],
            case .array(let siblings)? = members["siblings"]
        else { throw failure("it has no sha and siblings") }
        guard !revision.isEmpty, revision.count <= 64, revision.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
            throw failure("its sha is no commit")
        }
        guard siblings.count <= 100_000 else {
            throw failure("it names \(siblings.count) files, more than a model has")
        }
        let files = try siblings.map { sibling in
            guard case .object(let members) = sibling, case .string(let path)? = members["rfilename"] else {
                throw failure("a file has no name")
            }
            guard Self.isSafe(path) else { throw ModelStoreError.unsafePath(path, hub: endpoint) }
            // Sixteen terabytes, so that the sum of so many stays a number.
            guard case .integer(let size)? = members["size"], (0 ... 1 << 44).contains(size) else {
                throw failure("the file '\(path)' has no size that a file can have")
            }
            var file = File(path: path, size: size)
            if case .object(let lfs)? = members["lfs"] {
                // The hub calls it sha256, Git LFS oid.
                guard case .string(let hash)? = lfs["sha256"] ?? lfs["oid"], Self.isSHA256(hash) else {
                    throw failure("the file '\(path)' has no SHA-256")
                }
                file.sha256 = hash.lowercased()
            }
            return file
        }
        return Listing(revision: revision, files: files)
    }

    /// Asks for a file of a commit, following redirects.
    ///
    /// - Parameters:
    ///   - headers: sent to whoever has the file.
    ///   - body: given the head and some of the body of the last response alone.
    /// - Returns: the head of the last response, its status below 300 or 416, and the SHA-256 that the hub stated on the way.
    /// - Throws: `ModelStoreError`, or what `observe` throws. A connection that broke is `BrokenConnection`.
    func file(
        _ path: String, of reference: Reference, commit: String, headers: [String],
        observe: @escaping () throws -> Void,
        body: @escaping (HTTPRequest.Head, UnsafeRawBufferPointer) throws -> Void
    ) throws -> HTTPRequest.Head {
        let address = "\(endpoint)/\(reference.repository)/resolve/\(commit)/\(Self.escaped(path, slash: false))"
        return try once(
            address, what: "file '\(path)' of '\(reference.description)'", headers: headers, observe: observe,
            body: body)
    }

    /// A request that may be tried again.
    struct BrokenConnection: Error {
        var address: String
        var reason: String
        /// Seconds that the server asks to wait.
        var wait: Double?

        var failure: ModelStoreError { .transferFailed(address: address, reason: reason) }
    }

    /// How often a request is tried that brings nothing.
    static let attempts = 5

    /// Waits before the attempt of that number, from 1.
    static func wait(_ attempt: Int, atLeast seconds: Double? = nil, observe: () throws -> Void) throws {
        // 0.25, 0.5, 1 and 2 seconds; a server's wish, up to a minute, before that.
        let wait = min(60, max(0.25 * Double(1 << (attempt - 1)), seconds ?? 0))
        for _ in 0 ..< Int((wait / 0.05).rounded(.up)) {
            try observe()
            usleep(50_000)
        }
    }

    /// A small response, asked for again where the connection broke.
    private func get(
        _ address: String, what: String, observe: @escaping () throws -> Void
    ) throws -> (HTTPRequest.Head, [UInt8]) {
        var attempt = 1
        while true {
            let text = TextBody(limit: 64 << 20)
            do {
                let head = try once(address, what: what, headers: [], observe: observe) { _, bytes in
                    try text.add(bytes, address: Self.shown(address))
                }
                return (head, text.bytes)
            } catch let error as BrokenConnection {
                guard attempt < Self.attempts else { throw error.failure }
                try Self.wait(attempt, atLeast: error.wait, observe: observe)
                attempt += 1
            }
        }
    }

    private func once(
        _ start: String, what: String, headers: [String], observe: @escaping () throws -> Void,
        body: @escaping (HTTPRequest.Head, UnsafeRawBufferPointer) throws -> Void
    ) throws -> HTTPRequest.Head {
        var address = start
        var stated: String?
        for _ in 0 ..< 10 {
            var request = HTTPRequest(
                url: address,
                headers: ["User-Agent: editor/\(Release.version)", "Accept-Encoding: identity"] + headers)
            // Only the hub itself may see the token, not whom it sends us to.
            let isHub = Self.origin(of: address) == Self.origin(of: endpoint)
            if isHub, let token { request.headers.append("Authorization: Bearer \(token)") }
            let outcome = try request.send(
                body: { head, bytes in if head.status < 300 { try body(head, bytes) } }, observe: observe)
            switch outcome {
            case .broken(let reason): throw BrokenConnection(address: Self.shown(address), reason: reason)
            case .refused(let reason):
                throw ModelStoreError.transferFailed(address: Self.shown(address), reason: reason)
            case .response(var head, let location):
                if isHub, let hash = head.fields["x-linked-etag"] { stated = hash }
                switch head.status {
                case 200 ..< 300, 416:
                    head.fields["x-linked-etag"] = stated
                    return head
                case 301, 302, 303, 307, 308:
                    guard let location, Self.origin(of: location) != nil else {
                        throw ModelStoreError.badAnswer(
                            address: Self.shown(address), reason: "it redirects to nowhere that HTTP reaches")
                    }
                    if address.lowercased().hasPrefix("https://"), !location.lowercased().hasPrefix("https://") {
                        throw ModelStoreError.badAnswer(
                            address: Self.shown(address),
                            reason: "it redirects to \(Self.shown(location)), in plain text")
                    }
                    address = location
                case 401, 403:
                    guard isHub else {
                        throw ModelStoreError.transferFailed(
                            address: Self.shown(address), reason: "its status is \(head.status)")
                    }
                    throw ModelStoreError.notAuthorized(what: what, endpoint: endpoint, hasToken: token != nil)
                case 404, 410: throw ModelStoreError.notFound(what: what, endpoint: endpoint)
                case 408, 429, 500 ..< 600:
                    throw BrokenConnection(
                        address: Self.shown(address), reason: "its status is \(head.status)",
                        wait: head.fields["retry-after"].flatMap { Double($0) })
                default:
                    throw ModelStoreError.transferFailed(
                        address: Self.shown(address), reason: "its status is \(head.status)")
                }
            }
        }
        throw ModelStoreError.badAnswer(address: Self.shown(start), reason: "it redirects without end")
    }

    /// A response as a whole.
    private final class TextBody {
        private(set) var bytes: [UInt8] = []
        private let limit: Int

        init(limit: Int) { self.limit = limit }

        func add(_ more: UnsafeRawBufferPointer, address: String) throws {
            guard bytes.count + more.count <= limit else {
                throw ModelStoreError.badAnswer(address: address, reason: "it is longer than \(limit.of("byte"))")
            }
            bytes.append(contentsOf: more)
        }
    }

    static func isSHA256(_ text: String) -> Bool {
        text.utf8.count == 64 && text.allSatisfy { $0.isASCII && $0.isHexDigit }
    }

    /// Whether a path that a server names stays below the folder it is joined to.
    static func isSafe(_ path: String) -> Bool {
        guard !path.isEmpty, path.utf8.count <= 1024,
            !path.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F || $0 == "\\" })
        else { return false }
        return path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
            !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count <= 200
        }
    }

    /// Percent-encoded as a part of a path (RFC 3986, section 2.3).
    private static func escaped(_ text: String, slash: Bool) -> String {
        text.utf8.map { byte in
            let scalar = Unicode.Scalar(byte)
            let isPlain =
                byte < 0x80 && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
                || "-._~".unicodeScalars.contains(scalar) || !slash && scalar == "/"
            let digits = String(byte, radix: 16, uppercase: true)
            return isPlain ? String(Character(scalar)) : "%" + (byte < 16 ? "0" : "") + digits
        }.joined()
    }
}
