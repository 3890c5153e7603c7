import Foundation
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// `editor models pull` against a server on loopback.
@Suite(.beside) struct ModelsPullTests {
    /// The program with a home of its own, and a hub that holds a tiny model.
    private final class Setting {
        let editor: Editor
        let server: HubServer
        let models: URL

        init(token: String? = nil) throws {
            editor = try Editor()
            server = try HubServer()
            models = editor.folder.appending(path: ".data/editor/models")
            editor.environment = [
                "XDG_DATA_HOME": editor.folder.appending(path: ".data").path(),
                "HF_ENDPOINT": server.hub.address, "HF_TOKEN": token ?? "", "no_proxy": "127.0.0.1",
            ]
            let model = editor.folder.appending(path: "model")
            try TinyModel.write(to: model)
            var files: [String: HubServer.File] = [:]
            for path in try FileManager.default.subpathsOfDirectory(atPath: model.path()) {
                let url = model.appending(path: path)
                guard try url.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true else { continue }
                let isLarge = path.hasSuffix("model.safetensors")
                // The parts bring what the tests of networks hold them to.
                guard isLarge || !path.hasSuffix(".safetensors") else { continue }
                files[path] = .init(data: try Data(contentsOf: url), sha256: isLarge ? try HubServer.sha256(url) : nil)
            }
            files["README.md"] = .init(data: Data("---\nlicense: openrail\n---\n# Tiny\n".utf8))
            try FileManager.default.removeItem(at: model)
            server.change { [files] in
                $0.files = files
                $0.token = token
            }
        }

        func pull(_ more: String...) throws -> Editor.Outcome {
            try editor.run(["models", "pull", HubServer.repository] + more)
        }

        /// The paths below the program's models, hidden ones too.
        var there: [String] {
            let all = (try? FileManager.default.subpathsOfDirectory(atPath: models.path())) ?? []
            return all.filter { path in
                var isFolder: ObjCBool = false
                let isThere = FileManager.default.fileExists(
                    atPath: models.appending(path: path).path(), isDirectory: &isFolder)
                return isThere && !isFolder.boolValue
            }.sorted()
        }

        func bytes(_ path: String) -> Data? {
            try? Data(contentsOf: models.appending(path: "\(HubServer.repository)/\(path)"))
        }

        func expectWhole(_ comment: Comment? = nil) throws {
            let files = try #require(server.files)
            for (path, file) in files { #expect(bytes(path) == file.data, comment ?? "\(path)") }
        }
    }

    @Test func `Where tokenizer.json is all there is of a tokenizer, it is fetched and read`() throws {
        let setting = try Setting()
        let vocabulary = try #require(setting.server.files?["tokenizer/vocab.json"]?.data)
        let object: [String: Any] = [
            "normalizer": ["type": "Lowercase"], "pre_tokenizer": ["type": "ByteLevel"],
            "model": [
                "type": "BPE", "end_of_word_suffix": "</w>", "merges": [[String]](),
                "vocab": try JSONSerialization.jsonObject(with: vocabulary),
            ] as [String: Any],
        ]
        let whole = try JSONSerialization.data(withJSONObject: object)
        setting.server.change {
            $0.files["tokenizer/vocab.json"] = nil
            $0.files["tokenizer/merges.txt"] = nil
            $0.files["tokenizer/tokenizer.json"] = .init(data: whole, sha256: nil)
        }
        let outcome = try setting.pull()
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(setting.bytes("tokenizer/tokenizer.json") == whole)
        #expect(setting.bytes("tokenizer/vocab.json") == nil)
        let made = try setting.editor.run([
            "generate", "a fox", "--model", "someone/tiny", "--size", "64x64", "--steps", "1", "--seed", "1", "-o",
            "t.png",
        ])
        #expect(made.code == 0, "\(made.error)")
    }

    private static let unet = "unet/diffusion_pytorch_model.safetensors"

    @Test func `A model is fetched, listed and edited with`() throws {
        let setting = try Setting(token: "hf_secret")
        let wanted = setting.server.files ?? [:]
        // What an edit does not need.
        let weights = try #require(wanted[Self.unet])
        for path in [
            "safety_checker/model.safetensors", "unet/diffusion_pytorch_model.bin", "vae/diffusion_flax_model.msgpack",
            "unet/diffusion_pytorch_model.non_ema.safetensors", "model.ckpt", ".gitattributes", "images/cat.png",
            "text_encoder/flax_model.msgpack", "tokenizer/tokenizer.json",
        ] {
            setting.server.change { $0.files[path] = weights }
        }
        let outcome = try setting.pull()
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.output == "someone/tiny\n")
        let expected = (wanted.keys.map { "someone/tiny/" + $0 } + ["someone/tiny/.pull.json"]).sorted()
        #expect(setting.there == expected)
        for (path, file) in wanted { #expect(setting.bytes(path) == file.data, "\(path)") }
        let leaks = setting.server.store.requests.filter { $0.headers["authorization"] != nil }
        #expect(leaks.isEmpty)
        #expect(setting.server.store.requests.count == 3)
        let isAlwaysAuthorized = setting.server.hub.requests.allSatisfy {
            $0.headers["authorization"] == "Bearer hf_secret"
        }
        #expect(isAlwaysAuthorized)
        #expect(!outcome.error.contains("hf_secret") && !outcome.error.contains("signature"))

        // Once more: nothing but the list is asked for.
        let before = setting.server.hub.requests.count
        let again = try setting.pull()
        #expect(again.code == 0)
        #expect(again.error.contains("all \(wanted.count) files were there already"))
        #expect(setting.server.hub.requests.count == before + 1)

        let list = try setting.editor.run(["models", "list", "--json"])
        let object = try #require(JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [String: Any])
        let first = try #require((object["models"] as? [[String: Any]])?.first)
        #expect(first["name"] as? String == "someone/tiny")
        #expect(first["usable"] as? Bool == true, "\(first)")
        #expect(first["family"] as? String == "latent diffusion inpainting")

        try setting.editor.writePictures()
        let arguments = [
            "inpaint", "a.png", "m.png", "a fox", "--steps", "2", "--seed", "1", "--precision", "f32", "--model",
            "tiny",
        ]
        let edit = try setting.editor.run(arguments + ["-o", "by-name.png"])
        #expect(edit.code == 0, "\(edit.error)")
        let path = setting.models.appending(path: HubServer.repository).path()
        #expect(try setting.editor.run(arguments.dropLast() + [path, "-o", "by-path.png"]).code == 0)
        let pictures = try ["by-name.png", "by-path.png"].map {
            try Data(contentsOf: URL(fileURLWithPath: setting.editor.path($0)))
        }
        #expect(pictures[0] == pictures[1])

        let verify = try setting.editor.run(["models", "verify", "someone/tiny"])
        #expect(verify.code == 0, "\(verify.error)")
        #expect(verify.output.contains("sizes and hashes: \(wanted.count) files, of which 3 by SHA-256"))
        let info = try setting.editor.run(["models", "info", "someone/tiny"])
        #expect(info.output.contains("licence:") && info.output.contains("openrail"), "\(info.output)\(info.error)")
    }

    @Test func `Connections that break are taken up where they broke`() throws {
        let setting = try Setting()
        setting.server.change {
            $0.disturb = { _, count, response in
                // Every answer of the first forty breaks off, some before the first byte.
                if count < 40 { response.cut = count % 3 == 0 ? 0 : 9000 }
            }
        }
        let outcome = try setting.pull()
        #expect(outcome.code == 0, "\(outcome.error)")
        try setting.expectWhole()
        let starts = setting.server.store.requests.compactMap(\.rangeStart)
        #expect(starts.count >= 20)
        #expect(Set(starts).count > 10)
    }

    @Test(arguments: [SIGINT, SIGKILL])
    func `A run that is ended goes on from what it left`(signal: Int32) throws {
        let setting = try Setting()
        setting.server.change { $0.disturb = { _, _, response in response.delay = 0.02 } }
        let (process, output, error) = try setting.editor.start(["models", "pull", HubServer.repository])
        let partial = setting.models.appending(path: ".incomplete")
        func part() -> (path: String, size: Int)? {
            for path in (try? FileManager.default.subpathsOfDirectory(atPath: partial.path())) ?? []
            where path.hasSuffix(".safetensors.incomplete") {
                let file = partial.appending(path: path).path()
                let size = (try? FileManager.default.attributesOfItem(atPath: file)[.size]) as? Int
                return (path, size ?? 0)
            }
            return nil
        }
        let deadline = Date(timeIntervalSinceNow: 40)
        while (part()?.size ?? 0) < 20_000, Date() < deadline { Thread.sleep(forTimeInterval: 0.01) }
        kill(process.processIdentifier, signal)
        let outcome = Editor.outcome(of: process, output, error)
        #expect(outcome.code == (signal == SIGINT ? 130 : 128 + SIGKILL), "\(outcome.error)")
        if signal == SIGINT { #expect(outcome.error.contains("what was fetched is kept")) }
        let left = try #require(part())
        #expect(left.size >= 20_000)
        let list = try setting.editor.run(["models", "list"])
        #expect(!list.output.contains("someone"))

        setting.server.change { $0.disturb = { _, _, _ in } }
        let before = setting.server.store.requests.count
        #expect(try setting.pull().code == 0)
        try setting.expectWhole()
        let resumed = setting.server.store.requests[before...].compactMap(\.rangeStart)
        #expect(resumed == [left.size])
        let rest = setting.there.filter { $0.contains(".incomplete") }
        #expect(rest.isEmpty)
    }

    /// A part of another version, as another run may have left it: its server tells by `If-Range`, or only by the tag.
    @Test(arguments: [true, false])
    func `What changed in between is fetched anew`(tellsByCondition: Bool) throws {
        let setting = try Setting()
        let file = try #require(setting.server.files?[Self.unet])
        let isFirst = Mutex(true)
        setting.server.change {
            $0.disturb = { request, _, response in
                guard request.path.hasSuffix(file.sha256 ?? "-"), isFirst.withLock({ $0 }) else { return }
                isFirst.withLock { $0 = false }
                // Bytes of another version under another tag, and then nothing for a while.
                response.body = Data(file.data.map { ~$0 })
                response.headers = [("ETag", "\"old\"")]
                response.cut = 50_000
            }
            if !tellsByCondition {
                let disturb = $0.disturb
                $0.disturb = { request, count, response in
                    disturb(request, count, &response)
                    if let start = request.rangeStart, response.status == 200 {
                        response.status = 206
                        response.headers.append(
                            ("Content-Range", "bytes \(start)-\(file.data.count - 1)/\(file.data.count)"))
                        response.body = Data(file.data[start...])
                    }
                }
            }
        }
        let outcome = try setting.pull()
        #expect(outcome.code == 0, "\(outcome.error)")
        try setting.expectWhole()
        let asked = setting.server.store.requests.filter { $0.path.hasSuffix(file.sha256 ?? "-") }
        #expect(asked.count == (tellsByCondition ? 2 : 3))
        #expect(asked[1].headers["if-range"] == "\"old\"")
    }

    @Test func `A part that no tag is known of is thrown away when the whole is wrong`() throws {
        let setting = try Setting()
        let file = try #require(setting.server.files?[Self.unet])
        let folder = setting.models.appending(path: ".incomplete/someone--tiny--1234abcd1234/unet")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(count: 1000).write(to: folder.appending(path: "diffusion_pytorch_model.safetensors.incomplete"))
        // Of a variant that is not asked for this time.
        try Data(count: 9).write(to: folder.appending(path: "diffusion_pytorch_model.fp16.safetensors.incomplete"))
        #expect(try setting.pull().code == 0)
        try setting.expectWhole()
        let asked = setting.server.store.requests.filter { $0.path.hasSuffix(file.sha256 ?? "-") }
        #expect(asked.map(\.rangeStart) == [1000, nil])
        let left = setting.there.filter { $0.contains("fp16") || $0.contains("incomplete") }
        #expect(left.isEmpty)
    }

    @Test func `A wrong hash is refused, and nothing of the file is kept`() throws {
        let setting = try Setting()
        setting.server.change {
            $0.disturb = { _, _, response in
                if response.body.count > 500 { response.body[response.body.startIndex + 500] ^= 1 }
            }
        }
        let outcome = try setting.pull()
        #expect(outcome.code == 65, "\(outcome.error)")
        #expect(outcome.error.contains("has the SHA-256"))
        let kept = setting.there.filter { $0.contains("safetensors") }
        #expect(kept.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: setting.models.appending(path: "someone").path()))
        // The hub itself says another hash than its list.
        setting.server.change {
            $0.disturb = { _, _, _ in }
            $0.disturbHub = { _, _, response in
                response.headers = response.headers.map {
                    $0.0 == "X-Linked-Etag" ? ($0.0, "\"\(String(repeating: "0", count: 64))\"") : $0
                }
            }
        }
        #expect(try setting.pull().code == 65)
        setting.server.change { $0.disturbHub = { _, _, _ in } }
        #expect(try setting.pull().code == 0)
        try setting.expectWhole()
    }

    @Test func `More bytes than the list says are refused, fewer asked for again`() throws {
        let setting = try Setting()
        setting.server.change { $0.disturb = { _, _, response in response.body += Data(count: 10) } }
        let more = try setting.pull()
        #expect(more.code == 65, "\(more.error)")
        #expect(more.error.contains("bytes, expected"))
        setting.server.change {
            $0.disturb = { _, count, response in if count % 2 == 1 { response.body.removeLast(7) } }
        }
        #expect(try setting.pull().code == 0)
        try setting.expectWhole()
    }

    @Test func `Who may not have a model is told why`() throws {
        let setting = try Setting(token: "right")
        setting.editor.environment["HF_TOKEN"] = ""
        let none = try setting.pull()
        #expect(none.code == 69)
        #expect(none.error.contains("is not there, or not open to everybody; set HF_TOKEN"))
        setting.editor.environment["HF_TOKEN"] = "wrong"
        let wrong = try setting.pull()
        #expect(wrong.code == 69)
        #expect(wrong.error.contains("is not open to the token in HF_TOKEN"))
        setting.editor.environment["HF_TOKEN"] = "right"
        let unknown = try setting.editor.run(["models", "pull", "someone/other"])
        #expect(unknown.code == 69)
        #expect(unknown.error.contains("there is no model 'someone/other' at http://127.0.0.1"))
        let revision = try setting.editor.run(["models", "pull", "someone/tiny@v9"])
        #expect(revision.code == 69)
        #expect(revision.error.contains("there is no model 'someone/tiny@v9'"))
        setting.editor.environment["HF_ENDPOINT"] = "http://hub.invalid"
        let plain = try setting.pull()
        #expect(plain.code == 64)
        #expect(plain.error.contains("HF_TOKEN cannot be used: http://hub.invalid would see it in plain text"))
        #expect(setting.there.isEmpty)
    }

    @Test(arguments: [
        "tiny", "a/b/c", "../b", "a/..", "a/b@", "a/b@../x", "a/.b", "-a/b", "a/b c", "a/b?x", "https://a/b", "a/b@-x",
    ])
    func `A name that could be something else is refused`(name: String) throws {
        let outcome = try Editor().run(["models", "pull", "--", name])
        #expect(outcome.code == 64, "\(outcome.error)")
    }

    @Test(arguments: [
        "../evil.json", "/etc/evil.json", "unet/../../evil.json", "unet//evil.json", "unet\\evil.json", "unet/./a.json",
        "unet/a\u{0}.json", "unet/..",
    ])
    func `A path that leads out of the model's folder ends the pull`(path: String) throws {
        let setting = try Setting()
        setting.server.change { $0.listedOnly = [path] }
        let outcome = try setting.pull()
        #expect(outcome.code == 65, "\(outcome.error)")
        #expect(outcome.error.contains("could lie outside the model's folder; nothing was fetched"))
        #expect(setting.there.isEmpty)
        #expect(setting.server.hub.requests.count == 1)
    }

    @Test func `Redirects are followed within limits`() throws {
        let setting = try Setting(token: "right")
        // A repository that was renamed: the same hub, so the token goes along.
        setting.server.change {
            $0.disturbHub = { request, count, response in
                if count == 0 {
                    response = .init(status: 307, headers: [("Location", request.path + "?blobs=true")])
                }
            }
        }
        #expect(try setting.pull().code == 0)
        try setting.expectWhole()
        for (location, says) in [
            ("/api/models/someone/tiny/revision/main?blobs=true", "redirects without end"),
            ("file:///etc/passwd", "redirects to nowhere that HTTP reaches"), ("ftp://127.0.0.1/x", "to nowhere"),
        ] {
            setting.server.change {
                $0.disturbHub = { _, _, response in response = .init(status: 302, headers: [("Location", location)]) }
            }
            let outcome = try setting.pull("--force")
            #expect(outcome.code == 65, "\(outcome.error)")
            #expect(outcome.error.contains(says), "\(outcome.error)")
        }
    }

    @Test func `A server that stays broken is given up, one that recovers is not`() throws {
        let setting = try Setting()
        setting.server.change { $0.disturbHub = { _, count, response in if count < 3 { response.status = 503 } } }
        #expect(try setting.pull().code == 0)
        setting.server.change { $0.disturbHub = { _, _, response in response.status = 503 } }
        let before = setting.server.hub.requests.count
        let outcome = try setting.pull("--force")
        #expect(outcome.code == 74, "\(outcome.error)")
        #expect(outcome.error.contains("its status is 503"))
        #expect(setting.server.hub.requests.count == before + 5)
    }

    @Test func `An answer that is no hub's is named`() throws {
        let setting = try Setting()
        for (body, says) in [
            ("<html>", "unexpected character"), ("{}", "has no sha and siblings"),
            (#"{"sha": "../x", "siblings": []}"#, "its sha is no commit"),
            (#"{"sha": "abc", "siblings": [{"rfilename": "a"}]}"#, "has no size"),
            (#"{"sha": "abc", "siblings": [{"rfilename": "a", "size": 9223372036854775807}]}"#, "has no size"),
            (#"{"sha": "abc", "siblings": [{"rfilename": "a", "size": 1, "lfs": {"sha256": "x"}}]}"#, "has no SHA-256"),
        ] {
            setting.server.change { $0.disturbHub = { _, _, response in response = .init(body: Data(body.utf8)) } }
            let outcome = try setting.pull()
            #expect(outcome.code == 65, "\(outcome.error)")
            #expect(outcome.error.contains(says), "\(outcome.error)")
        }
    }

    @Test func `Variants and shards are chosen as the folder's reader chooses them`() throws {
        let setting = try Setting()
        let weights = try #require(setting.server.files?[Self.unet])
        let vae = try #require(setting.server.files?["vae/diffusion_pytorch_model.safetensors"])
        let stem = "unet/diffusion_pytorch_model"
        setting.server.change {
            $0.files["\(stem).fp16.safetensors"] = weights
            $0.files["vae/diffusion_pytorch_model.bf16.safetensors"] = vae
        }
        let outcome = try setting.pull("--variant", "fp16")
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(setting.bytes("unet/diffusion_pytorch_model.fp16.safetensors") == weights.data)
        #expect(setting.bytes("unet/diffusion_pytorch_model.safetensors") == nil)
        // A part without the variant is taken plain.
        #expect(setting.bytes("vae/diffusion_pytorch_model.safetensors") == vae.data)
        #expect(setting.bytes("vae/diffusion_pytorch_model.bf16.safetensors") == nil)
        let list = try setting.editor.run(["models", "list"])
        #expect(list.output.contains("latent diffusion inpainting"), "\(list.output)")

        // Two shards, each the whole with only a part of the names in the index, as far as names go.
        let names = ["-00001-of-00002", "-00002-of-00002"]
        setting.server.change { state in
            state.revision = String(repeating: "beef", count: 10)
            for (path, _) in state.files where path.hasPrefix(stem) { state.files[path] = nil }
            for name in names { state.files["\(stem)\(name).safetensors"] = weights }
            state.files["\(stem).fp16-00001-of-00001.safetensors"] = weights
            state.files["\(stem).safetensors.index.json"] = .init(data: Data("{}".utf8))
            state.files["\(stem).safetensors.index.fp16.json"] = .init(data: Data("{}".utf8))
        }
        let taken = try setting.pull()
        #expect(taken.code == 73, "\(taken.error)")
        #expect(taken.error.contains("to put revision beefbeefbeef in its place, add --force"))
        #expect(try setting.pull("--force").code == 0)
        let unet = setting.there.filter { $0.contains("/unet/diff") }
        #expect(
            unet
                == (names.map { "someone/tiny/\(stem)\($0).safetensors" } + [
                    "someone/tiny/\(stem).safetensors.index.json"
                ]))
        let variant = try setting.pull("--variant", "bf16", "--force")
        #expect(variant.code == 0, "\(variant.error)")
        setting.server.change { $0.files["vae/diffusion_pytorch_model.bf16.safetensors"] = nil }
        let none = try setting.pull("--variant", "bf16", "--force")
        #expect(none.code == 69)
        #expect(none.error.contains("has no weights of the variant 'bf16'"))
    }

    @Test func `A single file of a repository is fetched alone`() throws {
        let setting = try Setting()
        let weights = try #require(setting.server.files?[Self.unet])
        setting.server.change {
            $0.files = ["v1.safetensors": weights, "v2.safetensors": weights, "README.md": .init(data: Data())]
        }
        let whole = try setting.pull()
        #expect(whole.code == 69)
        #expect(whole.error.contains("name a single file with --file: v1.safetensors, v2.safetensors"))
        let wrong = try setting.pull("--file", "v3.safetensors")
        #expect(wrong.code == 69)
        #expect(wrong.error.contains("has no file 'v3.safetensors'; it has v1.safetensors, v2.safetensors"))
        for name in ["v1.safetensors", "v2.safetensors"] {
            let outcome = try setting.pull("--file", name)
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.output == "someone/tiny/\(name)\n")
        }
        #expect(
            setting.there == ["someone/tiny/.pull.json", "someone/tiny/v1.safetensors", "someone/tiny/v2.safetensors"])
        let remove = try setting.editor.run(["models", "remove", "someone/tiny/v1", "--force"])
        #expect(remove.code == 0, "\(remove.error)")
        #expect(setting.there == ["someone/tiny/.pull.json", "someone/tiny/v2.safetensors"])
        #expect(try setting.editor.run(["models", "remove", "v2", "--force"]).code == 0)
        #expect(setting.there.isEmpty)
    }

    @Test func `What lies beside a model stays when another revision is fetched`() throws {
        let setting = try Setting()
        let weights = try #require(setting.server.files?[Self.unet])
        setting.server.change {
            $0.files["a.safetensors"] = weights
            $0.files["sub/b.safetensors"] = weights
            $0.files["vae/other.safetensors"] = weights
        }
        // Single files first: then the model is no other revision of what is there.
        for file in ["a.safetensors", "sub/b.safetensors", "vae/other.safetensors"] {
            let outcome = try setting.pull("--file", file)
            #expect(outcome.code == 0, "\(outcome.error)")
        }
        let whole = try setting.pull()
        #expect(whole.code == 0, "\(whole.error)")
        let singles = ["a.safetensors", "sub/b.safetensors", "vae/other.safetensors"]
        for file in singles { #expect(setting.bytes(file) == weights.data, "\(file)") }
        #expect(setting.bytes("model_index.json") != nil)
        #expect(try setting.pull().error.contains("files were there already"))

        try Data("mine".utf8).write(to: setting.models.appending(path: "\(HubServer.repository)/mine.txt"))
        setting.server.change {
            $0.revision = String(repeating: "beef", count: 10)
            for file in singles { $0.files[file] = nil }
            $0.files["unet/more.json"] = .init(data: Data("{}".utf8))
        }
        #expect(try setting.pull().code == 73)
        let forced = try setting.pull("--force")
        #expect(forced.code == 0, "\(forced.error)")
        for file in singles { #expect(setting.bytes(file) == weights.data, "\(file)") }
        #expect(setting.bytes("mine.txt") == Data("mine".utf8))
        #expect(setting.bytes("unet/more.json") != nil)
        // What was the model's in the earlier revision goes with it.
        setting.server.change {
            $0.revision = String(repeating: "cafe", count: 10)
            $0.files["unet/more.json"] = nil
        }
        #expect(try setting.pull("--force").code == 0)
        #expect(setting.bytes("unet/more.json") == nil)
        for file in singles { #expect(setting.bytes(file) == weights.data, "\(file)") }

        // The model goes, what was fetched beside it stays, and can go by its own name.
        let removed = try setting.editor.run(["models", "remove", "someone/tiny", "--force"])
        #expect(removed.code == 0, "\(removed.error)")
        #expect(setting.there == ([".pull.json"] + singles).map { "someone/tiny/" + $0 })
        for name in ["someone/tiny/a.safetensors", "someone/tiny/sub/b", "someone/tiny/vae/other"] {
            let outcome = try setting.editor.run(["models", "remove", name, "--force"])
            #expect(outcome.code == 0, "\(outcome.error)")
        }
        #expect(setting.there.isEmpty)
    }

    @Test func `A file of a subfolder can be removed and fetched again`() throws {
        let setting = try Setting()
        let weights = try #require(setting.server.files?[Self.unet])
        setting.server.change {
            $0.files = ["sub/x.safetensors": weights, "model_index.json": .init(data: Data("{}".utf8))]
        }
        for _ in 0 ..< 2 {
            let pull = try setting.pull("--file", "sub/x.safetensors")
            #expect(pull.code == 0, "\(pull.error)")
            #expect(!pull.error.contains("already"))
            let remove = try setting.editor.run(["models", "remove", "someone/tiny/sub/x.safetensors", "--force"])
            #expect(remove.code == 0, "\(remove.error)")
            #expect(setting.there.isEmpty)
        }
        #expect(try setting.pull().code == 0)
    }

    #if os(Linux)
        private static let canMount =
            geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/unshare")

        @Test(.enabled(if: canMount, "skipped: only root can mount a small disk"))
        func `A disk that is too small is found before anything is fetched`() throws {
            let setting = try Setting()
            let outcome = try setting.editor.shell(
                """
                mkdir -p .data && unshare -m sh -c 'mount -t tmpfs -o size=300k none .data && \
                "$EDITOR_PROGRAM" models pull someone/tiny; echo "code $?"'
                """)
            #expect(outcome.output == "code 73\n", "\(outcome.output) \(outcome.error)")
            #expect(outcome.error.contains("of free space, expected"))
            #expect(setting.server.store.requests.isEmpty)
        }

        /// Full while it fetches: another program takes the space that was free.
        @Test(.enabled(if: canMount, "skipped: only root can mount a small disk"))
        func `A disk that fills up ends the pull, which goes on when there is space`() throws {
            let setting = try Setting()
            setting.server.change { $0.disturb = { _, _, response in response.delay = 0.02 } }
            let outcome = try setting.editor.shell(
                """
                mkdir -p .data && unshare -m sh -c 'mount -t tmpfs -o size=4m none .data && \
                ("$EDITOR_PROGRAM" models pull someone/tiny; echo "code $?") & \
                until ls .data/editor/models/.incomplete/*/*/*.safetensors.incomplete >/dev/null 2>&1; do sleep 0.05; done; \
                dd if=/dev/zero of=.data/fill bs=4k 2>/dev/null; wait; rm .data/fill; \
                "$EDITOR_PROGRAM" models pull someone/tiny --quiet; echo "code $?"; ls -A .data/editor/models'
                """)
            #expect(outcome.output == "code 74\nsomeone/tiny\ncode 0\nsomeone\n", "\(outcome.output) \(outcome.error)")
            #expect(outcome.error.contains("cannot be written: No space left on device"), "\(outcome.error)")
        }
    #endif
}

extension HubServer {
    /// What the hub holds now.
    var files: [String: File]? {
        var files: [String: File]?
        change { files = $0.files }
        return files
    }
}
