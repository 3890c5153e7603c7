import Foundation
import Synchronization

/// One repository as a Hugging Face hub shows it: its list, small files from the hub itself, and large ones (Git LFS) by a
/// redirect to another server, which knows them by their SHA-256 (the paths and headers that huggingface_hub 2.4.0 uses).
final class HubServer: Sendable {
    struct File: Sendable {
        var data: Data
        /// As `sha256sum` prints it; `nil` for a small file, which Git holds itself.
        var sha256: String?
    }

    /// What both servers answer with, to be changed while they run.
    struct State: Sendable {
        var files: [String: File] = [:]
        /// Beside the files that are there: names of the list alone.
        var listedOnly: [String] = []
        var revision = String(repeating: "1234abcd", count: 5)
        /// What must be sent for anything to be shown.
        var token: String?
        /// Looks at an answer of the store before it is sent, with how many were sent before.
        var disturb: @Sendable (HTTPServer.Request, Int, inout HTTPServer.Response) -> Void = { _, _, _ in }
        /// The same of the hub.
        var disturbHub: @Sendable (HTTPServer.Request, Int, inout HTTPServer.Response) -> Void = { _, _, _ in }
        var storeRequests = 0
        var hubRequests = 0
    }

    static let repository = "someone/tiny"

    let hub: HTTPServer
    /// Where large files come from.
    let store: HTTPServer
    private let state: Box

    private final class Box: Sendable {
        let value = Mutex(State())
    }

    func change(_ body: (inout State) -> Void) { state.value.withLock { body(&$0) } }

    init() throws {
        let state = Box()
        self.state = state
        let store = try HTTPServer { request in
            let (files, disturb, count) = state.value.withLock {
                $0.storeRequests += 1
                return ($0.files, $0.disturb, $0.storeRequests - 1)
            }
            let hash = request.path.split(separator: "/").last.map(String.init)
            var response = HTTPServer.Response(status: 404)
            // A signature stands in for a token; whoever sends one gives it away.
            if request.headers["authorization"] != nil || request.query != "signature=secret" {
                response.status = 400
            } else if let file = files.values.first(where: { $0.sha256 == hash }) {
                response = Self.answer(request, file.data, tag: "\"store-\(hash ?? "")\"")
            }
            disturb(request, count, &response)
            return response
        }
        self.store = store
        let storeAddress = store.address
        hub = try HTTPServer { request in
            let (now, count) = state.value.withLock {
                $0.hubRequests += 1
                return ($0, $0.hubRequests - 1)
            }
            var response = Self.answer(request, now, store: storeAddress)
            now.disturbHub(request, count, &response)
            return response
        }
    }

    /// What the system's own program says of a file.
    static func sha256(_ file: URL) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        #if os(macOS)
            process.arguments = ["shasum", "-a", "256", file.path()]
        #else
            process.arguments = ["sha256sum", file.path()]
        #endif
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return String(text.prefix(64))
    }

    private static func answer(
        _ request: HTTPServer.Request, _ state: State, store: String
    ) -> HTTPServer.Response {
        if let token = state.token, request.headers["authorization"] != "Bearer \(token)" {
            return .init(status: request.headers["authorization"] == nil ? 401 : 403)
        }
        for name in ["main", state.revision]
        where request.path == "/api/models/\(repository)/revision/\(name)" && request.query == "blobs=true" {
            return .init(headers: [("Content-Type", "application/json")], body: list(state))
        }
        let prefix = "/\(repository)/resolve/\(state.revision)/"
        guard request.path.hasPrefix(prefix), let file = state.files[String(request.path.dropFirst(prefix.count))]
        else {
            return .init(status: 404)
        }
        guard let hash = file.sha256 else { return answer(request, file.data, tag: "\"git-\(file.data.count)\"") }
        return .init(
            status: 302,
            headers: [
                ("Location", "\(store)/store/\(hash)?signature=secret"), ("X-Linked-Etag", "\"\(hash)\""),
                ("X-Linked-Size", "\(file.data.count)"), ("X-Repo-Commit", state.revision),
            ], body: Data("Found. Redirecting".utf8))
    }

    private static func list(_ state: State) -> Data {
        var siblings: [[String: Any]] = state.files.sorted { $0.key < $1.key }.map { path, file in
            var entry: [String: Any] = ["rfilename": path, "size": file.data.count, "blobId": "0"]
            if let hash = file.sha256 {
                entry["lfs"] = ["sha256": hash, "size": file.data.count, "pointerSize": 134]
            }
            return entry
        }
        siblings += state.listedOnly.map { ["rfilename": $0, "size": 1] }
        let object: [String: Any] = ["id": repository, "sha": state.revision, "siblings": siblings, "private": false]
        return (try? JSONSerialization.data(withJSONObject: object)) ?? Data()
    }

    /// A file, or what a range asks for of it (RFC 9110, section 14).
    static func answer(_ request: HTTPServer.Request, _ data: Data, tag: String) -> HTTPServer.Response {
        let condition = request.headers["if-range"]
        guard let start = request.rangeStart, condition == nil || condition == tag else {
            return .init(headers: [("ETag", tag), ("Accept-Ranges", "bytes")], body: data)
        }
        guard start < data.count else {
            return .init(status: 416, headers: [("Content-Range", "bytes */\(data.count)")])
        }
        return .init(
            status: 206,
            headers: [("ETag", tag), ("Content-Range", "bytes \(start)-\(data.count - 1)/\(data.count)")],
            body: Data(data[start...]))
    }
}
