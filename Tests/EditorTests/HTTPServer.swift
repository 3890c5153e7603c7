import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A server on loopback that answers each request as it is told to, one connection a request.
final class HTTPServer: Sendable {
    struct Request: Sendable {
        var method = ""
        /// Without the query, percent-encoding undone.
        var path = ""
        var query = ""
        /// By their names in lower case.
        var headers: [String: String] = [:]

        /// The first byte that a range asks for.
        var rangeStart: Int? {
            headers["range"].flatMap { Int($0.dropFirst("bytes=".count).prefix { $0 != "-" }) }
        }
    }

    struct Response: Sendable {
        var status = 200
        var headers: [(String, String)] = []
        var body = Data()
        /// Bytes of the body after which the connection is cut; `nil` for all of them.
        var cut: Int?
        /// Seconds between pieces of 4096 bytes.
        var delay: Double = 0
    }

    let port: UInt16
    private let descriptor: Int32
    private let log = Log()

    private final class Log: Sendable {
        let requests = Mutex<[Request]>([])
    }

    /// Every request so far.
    var requests: [Request] { log.requests.withLock { $0 } }

    var address: String { "http://127.0.0.1:\(port)" }

    init(_ answer: @escaping @Sendable (Request) -> Response) throws {
        #if canImport(Glibc)
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutableBytes(of: &address) { bytes in
            guard let pointer = bytes.bindMemory(to: sockaddr.self).baseAddress else { return false }
            return bind(descriptor, pointer, length) == 0 && listen(descriptor, 16) == 0
                && getsockname(descriptor, pointer, &length) == 0
        }
        guard isBound else { throw POSIXError(.EADDRNOTAVAIL) }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [log] in
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { return }
                Thread.detachNewThread {
                    defer { close(connection) }
                    guard let request = Self.read(connection) else { return }
                    log.requests.withLock { $0.append(request) }
                    Self.write(answer(request), isHead: request.method == "HEAD", to: connection)
                }
            }
        }
    }

    deinit {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
    }

    private static func read(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        let end = Array("\r\n\r\n".utf8)
        while bytes.count < 1 << 16 {
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            bytes += chunk[..<count]
            if bytes.suffix(4) == end[...] { break }
        }
        let lines = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count == 3 else { return nil }
        let target = words[1].split(separator: "?", maxSplits: 1)
        var request = Request(method: String(words[0]))
        request.path = String(target[0]).removingPercentEncoding ?? ""
        request.query = target.count > 1 ? String(target[1]) : ""
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 {
                request.headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
            }
        }
        return request
    }

    private static func write(_ response: Response, isHead: Bool, to connection: Int32) {
        var head = "HTTP/1.1 \(response.status) X\r\nConnection: close\r\n"
        if !response.headers.contains(where: { $0.0 == "Content-Length" }) {
            head += "Content-Length: \(response.body.count)\r\n"
        }
        for (name, value) in response.headers { head += "\(name): \(value)\r\n" }
        guard send(Data((head + "\r\n").utf8), to: connection), !isHead else { return }
        let body = response.body.prefix(response.cut ?? response.body.count)
        for start in stride(from: 0, to: body.count, by: 4096) {
            let first = body.startIndex + start
            guard send(body[first ..< min(first + 4096, body.endIndex)], to: connection) else { return }
            if response.delay > 0 { Thread.sleep(forTimeInterval: response.delay) }
        }
    }

    private static func send(_ data: Data, to connection: Int32) -> Bool {
        var rest = data[...]
        while !rest.isEmpty {
            #if canImport(Glibc)
                let flags = Int32(MSG_NOSIGNAL)
            #else
                let flags: Int32 = 0
            #endif
            let count = rest.withUnsafeBytes { bytes in
                #if canImport(Glibc)
                    Glibc.send(connection, bytes.baseAddress, bytes.count, flags)
                #else
                    Darwin.send(connection, bytes.baseAddress, bytes.count, flags)
                #endif
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
