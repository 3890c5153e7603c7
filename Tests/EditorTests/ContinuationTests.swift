import Foundation
import ImageFiles
import Testing

/// What works without a model: an empty mask gives the input back.
@Suite struct ContinuationTests {
    @Test func `An empty mask warns, and its result is the input byte for byte`() throws {
        let editor = try Editor()
        try editor.writePictures()
        for name in ["a.png", "a.jpg"] {
            let outcome = try editor.run(["inpaint", name, "empty.png", "a fox"])
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.error.contains("warning: the mask is empty"))
            let result = name.replacingOccurrences(of: "a.", with: "a-inpaint.")
            #expect(outcome.output == result + "\n")
            #expect(try Data(contentsOf: editor.folder.appending(path: result))
                == Data(contentsOf: editor.folder.appending(path: name)))
        }
    }

    @Test func `With --json the result is one object on standard output`() throws {
        let editor = try Editor()
        try editor.writePictures()
        let outcome = try editor.run(["inpaint", "a.png", "empty.png", "--json"])
        #expect(outcome.output.split(separator: "\n").count == 1)
        let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        #expect(object?["event"] as? String == "done")
        #expect(object?["output"] as? String == "a-inpaint.png")
        for line in outcome.errorLines {
            #expect((try? JSONSerialization.jsonObject(with: Data(line.utf8))) != nil, "\(line)")
        }
    }

    @Test func `A picture can be piped through`() throws {
        let editor = try Editor()
        try editor.writePictures()
        let bytes = try [UInt8](Data(contentsOf: editor.folder.appending(path: "a.png")))
        let outcome = try editor.run(["inpaint", "-", "empty.png", "-o", "-", "--quiet"], input: bytes)
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(outcome.outputBytes == bytes)
    }

    @Test func `The last result of a folder is remembered`() throws {
        let editor = try Editor()
        try editor.writePictures()
        _ = try editor.run(["inpaint", "a.png", "empty.png"])
        // Without a usable model the next edit fails, but says first what it goes on from.
        let outcome = try editor.run(["outpaint", "--right", "8", "--model", "no-model"])
        #expect(outcome.code == 69)
        #expect(outcome.error.contains("'a-inpaint.png'"))
        #expect(!outcome.error.contains("canvas: 64×48"))
        #expect(outcome.error.contains("canvas: 72×48"))
    }
}
