import Editing
import ImageFiles
import Raster
import Testing

@Suite struct OutputPlanTests {
    private func plan(
        _ choice: OutputChoice, _ scratch: Scratch, input: String? = "a.png", format: ImageFormat = .png, count: Int = 1
    ) throws -> OutputPlan {
        try OutputPlan(
            choice, mode: .inpaint, count: count, input: input.map { (.file(path: scratch.path($0)), format) })
    }

    @Test func `Names are made from the input's and numbered rather than overwriting`() throws {
        let scratch = try Scratch()
        let picture = Picture.patterned(width: 4, height: 4)
        try scratch.write(picture, "a.png")
        #expect(try plan(OutputChoice(), scratch).paths == [scratch.path("a-inpaint.png")])
        try scratch.write(picture, "a-inpaint.png")
        #expect(try plan(OutputChoice(), scratch).paths == [scratch.path("a-inpaint-2.png")])
        try scratch.write(picture, "a-inpaint-2.png")
        #expect(
            try plan(OutputChoice(), scratch, count: 2).paths
                == [scratch.path("a-inpaint-3.png"), scratch.path("a-inpaint-4.png")])
        #expect(try plan(OutputChoice(force: true), scratch).paths == [scratch.path("a-inpaint.png")])
    }

    @Test func `A JPEG gives a JPEG, with the ending it had`() throws {
        let scratch = try Scratch()
        #expect(
            try plan(OutputChoice(), scratch, input: "a.JPG", format: .jpeg).paths == [scratch.path("a-inpaint.JPG")])
        #expect(
            try plan(OutputChoice(), scratch, input: "misnamed.jpg", format: .png).paths
                == [scratch.path("misnamed-inpaint.png")])
        let other = try plan(OutputChoice(path: scratch.path("b.png")), scratch, input: "a.jpg", format: .jpeg)
        #expect(other.format == .png)
    }

    @Test func `A name that exists is refused unless forced, the input always`() throws {
        let scratch = try Scratch()
        let picture = Picture.patterned(width: 4, height: 4)
        try scratch.write(picture, "a.png")
        try scratch.write(picture, "b.png")
        #expect(throws: EditError.outputExists(path: scratch.path("b.png"))) {
            try plan(OutputChoice(path: scratch.path("b.png")), scratch)
        }
        #expect(
            try plan(OutputChoice(path: scratch.path("b.png"), force: true), scratch).paths == [scratch.path("b.png")])
        #expect(throws: EditError.outputIsInput(path: scratch.path("a.png"))) {
            try plan(OutputChoice(path: scratch.path("a.png")), scratch)
        }
        #expect(
            try plan(OutputChoice(path: scratch.path("a.png"), force: true), scratch).paths == [scratch.path("a.png")])
    }

    @Test func `A folder takes the usual name, an unknown ending and a missing folder are refused`() throws {
        let scratch = try Scratch()
        #expect(try plan(OutputChoice(path: scratch.folder), scratch).paths == [scratch.path("a-inpaint.png")])
        #expect(throws: EditError.outputFormatUnknown(path: scratch.path("b.xyz"))) {
            try plan(OutputChoice(path: scratch.path("b.xyz")), scratch)
        }
        #expect(throws: EditError.outputFolderMissing(path: scratch.path("no/b.png"))) {
            try plan(OutputChoice(path: scratch.path("no/b.png")), scratch)
        }
    }

    @Test func `Of several pictures only the first has the name that was given, and the others go round the input`()
        throws
    {
        let scratch = try Scratch()
        try scratch.write(Picture.patterned(width: 4, height: 4), "r-2.png")
        for force in [false, true] {
            let names = try plan(
                OutputChoice(path: scratch.path("r.png"), force: force), scratch, input: "r-2.png", count: 3
            ).paths
            #expect(names == ["r.png", "r-3.png", "r-4.png"].map(scratch.path))
        }
    }

    @Test func `Several pictures have a contact sheet, and do not fit standard output`() throws {
        let scratch = try Scratch()
        #expect(try plan(OutputChoice(), scratch, count: 4).contactSheet == scratch.path("a-inpaint-sheet.png"))
        #expect(throws: EditError.tooManyPicturesForStandardOutput(count: 2)) {
            try plan(OutputChoice(path: "-"), scratch, count: 2)
        }
    }
}
