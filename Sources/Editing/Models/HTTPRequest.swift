internal import CTransfer

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// One request by HTTP, redirects not followed.
struct HTTPRequest {
    var url: String
    /// Lines as they are sent, `Name: value`.
    var headers: [String] = []

    /// What came before the body.
    struct Head {
        var status = 0
        /// By their names in lower case; of several the last.
        var fields: [String: String] = [:]
    }

    enum Outcome {
        /// There was a response; where it redirects, `location` is the whole address.
        case response(Head, location: String?)
        /// No connection, or it broke: trying again may help.
        case broken(reason: String)
        case refused(reason: String)
    }

    /// After so many seconds without a byte a connection counts as broken.
    static let stallSeconds = 60

    /// Sends it and waits for the end of the response.
    ///
    /// - Parameters:
    ///   - body: given the head and some of the body, in turn.
    ///   - observe: called about every second at least; what it throws ends the request.
    /// - Throws: `ModelStoreError.noLibcurl`, or what the closures throw.
    func send(
        body: @escaping (Head, UnsafeRawBufferPointer) throws -> Void, observe: @escaping () throws -> Void
    ) throws -> Outcome {
        let exchange = Exchange(body: body, observe: observe)
        var callbacks = ctransfer_callbacks(
            context: Unmanaged.passUnretained(exchange).toOpaque(),
            header: { context, line, length in
                Exchange.of(context).header(UnsafeRawBufferPointer(start: line, count: length))
            },
            body: { context, bytes, count in
                Exchange.of(context).take(UnsafeRawBufferPointer(start: bytes, count: count))
            },
            proceed: { context in Exchange.of(context).proceed() })
        var response = ctransfer_response()
        let lines = headers.map { strdup($0) }
        defer { for line in lines { free(line) } }
        var pointers = lines.map { UnsafePointer<CChar>($0) }
        pointers.append(nil)
        let outcome = withExtendedLifetime(exchange) {
            ctransfer_request(url, false, &pointers, Self.stallSeconds, &callbacks, &response)
        }
        defer { free(response.location) }
        if let error = exchange.error { throw error }
        let message = withUnsafeBytes(of: response.message) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        switch outcome {
        case CTRANSFER_DONE:
            return .response(exchange.head, location: response.location.map { String(cString: $0) })
        case CTRANSFER_UNAVAILABLE: throw ModelStoreError.noLibcurl
        case CTRANSFER_REFUSED: return .refused(reason: message)
        default: return .broken(reason: message)
        }
    }

    /// What the callbacks share.
    private final class Exchange {
        private let body: (Head, UnsafeRawBufferPointer) throws -> Void
        private let observe: () throws -> Void
        private(set) var head = Head()
        private(set) var error: (any Error)?

        init(
            body: @escaping (Head, UnsafeRawBufferPointer) throws -> Void, observe: @escaping () throws -> Void
        ) {
            self.body = body
            self.observe = observe
        }

        static func of(_ context: UnsafeMutableRawPointer?) -> Exchange {
            guard let context else { preconditionFailure("a callback has its context") }
            return Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
        }

        func header(_ bytes: UnsafeRawBufferPointer) {
            let line = String(decoding: bytes, as: UTF8.self)
            if line.hasPrefix("HTTP/") {
                // A response may follow one that said to go on (100).
                head = Head(status: line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
                return
            }
            guard let colon = line.firstIndex(of: ":") else { return }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            head.fields[line[..<colon].lowercased()] = String(value)
        }

        private func attempt(_ action: () throws -> Void) -> Bool {
            do {
                try action()
                return true
            } catch {
                self.error = error
                return false
            }
        }

        func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
            attempt {
                try observe()
                try body(head, bytes)
            }
        }

        func proceed() -> Bool { attempt(observe) }
    }
}
