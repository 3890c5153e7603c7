import Diffusion
import Tensors
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite struct WeightFolderTests {
    /// A folder that lives as long as the object.
    final class Folder {
        let path: String

        init() throws {
            var template = Array("/tmp/weights-XXXXXX".utf8CString)
            path = try #require(mkdtemp(&template).map { String(cString: $0) })
        }

        func write(_ name: String, _ bytes: [UInt8]) throws {
            let file = try #require(fopen("\(path)/\(name)", "wb"))
            #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
            fclose(file)
        }

        /// A file with one F32 tensor of one element.
        func write(_ name: String, tensor: String) throws {
            let header = #"{"\#(tensor)":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
            try write(name, SafetensorsTests.file(header, data: 4))
        }

        deinit {
            if let directory = opendir(path) {
                while let entry = readdir(directory) {
                    let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                    }
                    unlink("\(path)/\(name)")
                }
                closedir(directory)
            }
            rmdir(path)
        }
    }

    @Test func findsThePlainFileBeforeTheVariant() throws {
        let folder = try Folder()
        #expect(throws: WeightError.self) { try WeightFolder(path: folder.path) }
        try folder.write("diffusion_pytorch_model.fp16.safetensors", tensor: "half")
        #expect(try WeightFolder(path: folder.path).names == ["half"])
        try folder.write("diffusion_pytorch_model.safetensors", tensor: "full")
        #expect(try WeightFolder(path: folder.path).names == ["full"])
        #expect(try WeightFolder(path: folder.path, variant: "fp16").names == ["half"])
        #expect(try WeightFolder(path: folder.path, variant: "other").names == ["full"])
    }

    @Test func joinsShards() throws {
        let folder = try Folder()
        try folder.write("model-00001-of-00002.safetensors", tensor: "a")
        try folder.write("model-00002-of-00002.safetensors", tensor: "b")
        let index = #"{"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}"#
        try folder.write("model.safetensors.index.json", Array(index.utf8))
        let weights = try WeightFolder(path: folder.path)
        #expect(weights.names.sorted() == ["a", "b"])
        #expect(try weights.tensor("b", shape: [1]).bytes.count == 4)
        #expect(weights.tensor("c")?.name == nil)
    }

    @Test(arguments: [
        (#"{"weight_map":{"a":"../a.safetensors"}}"#, "is not in a file beside the index"),
        (#"{"weight_map":{"a":"/etc/passwd"}}"#, "is not in a file beside the index"),
        (#"{"weight_map":{"a":1}}"#, "is not in a file beside the index"),
        (#"{"weight_map":{"a":"gone.safetensors"}}"#, "there is no such file"),
        (#"{"weight_map":{"b":"model-1.safetensors"}}"#, "lacks the tensor 'b'"),
        (#"{"weight":{}}"#, "has no weight_map"), ("{", "damaged header"),
    ])
    func refusesAnIndexThatLies(index: String, says: String) throws {
        let folder = try Folder()
        try folder.write("model-1.safetensors", tensor: "a")
        try folder.write("model.safetensors.index.json", Array(index.utf8))
        do throws(WeightError) {
            _ = try WeightFolder(path: folder.path)
            Issue.record("no error for \(index)")
        } catch {
            #expect(error.description.contains(says), "\(error)")
        }
    }

    @Test func mapsAnEmptyFile() throws {
        let folder = try Folder()
        try folder.write("model.safetensors", [])
        #expect(throws: WeightError.truncated(file: "\(folder.path)/model.safetensors", expected: 8, actual: 0)) {
            try WeightFolder(path: folder.path)
        }
    }
}
