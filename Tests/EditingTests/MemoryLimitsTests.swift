import Diffusion
import Masking
import Raster
import Testing

@testable import Editing

/// A plan limits what a model takes while it runs, and leaves the model as it was.
@Suite struct MemoryLimitsTests {
    private func request(_ scratch: Scratch) throws -> EditRequest {
        let image = try scratch.write(.patterned(width: 64, height: 48), "a.png")
        let mask = try scratch.write(
            .mask(width: 64, height: 48, white: PixelRect(x: 20, y: 10, width: 20, height: 20)), "m.png")
        var request = EditRequest(mode: .inpaint, picture: .file(path: image), mask: .file(path: mask))
        request.settings.fill = .blurred
        return request
    }

    @Test func `A limited edit leaves the model to an unlimited one as it found it`() throws {
        let scratch = try Scratch()
        var request = try request(scratch)
        let model = StubModel()
        let own = model.memoryLimits
        request.settings.memoryLimit = 512 << 20
        _ = try request.run(model)
        request.settings.memoryLimit = nil
        _ = try request.run(model)
        #expect(model.limits.count == 2)
        #expect(model.limits[0].activations < own.activations && model.limits[0].weights < own.weights)
        #expect(model.limits[0].isShort && !own.isShort)
        #expect(model.limits[1] == own)
        #expect(model.memoryLimits == own)
    }

    @Test func `Whoever stops a limited edit gives the limits back, too`() throws {
        let scratch = try Scratch()
        var request = try request(scratch)
        request.settings.memoryLimit = 512 << 20
        // What the autoencoder makes of the start is asked for as well.
        request.settings.detail = .mixed
        let model = StubModel()
        let own = model.memoryLimits
        #expect(throws: EditInterrupted.self) {
            try request.run(model) { if case .step = $0 { throw EditInterrupted() } }
        }
        #expect(model.limits.count == 2 && model.limits.allSatisfy { $0.weights < own.weights })
        #expect(model.memoryLimits == own)
    }

    @Test func `A plan changes nothing of the model`() throws {
        let scratch = try Scratch()
        var request = try request(scratch)
        request.settings.memoryLimit = 512 << 20
        let model = StubModel()
        let own = model.memoryLimits
        let settings = ResolvedSettings(for: request, facts: model.facts, randomSeed: 1)
        let plan = try EditPlan(request, inputs: EditInputs(request), model: model, settings: settings)
        let budget = try #require(plan.memory)
        #expect(budget.weights < 512 << 20 && budget.activations < 512 << 20)
        #expect(model.memoryLimits == own)
        request.settings.memoryLimit = nil
        #expect(try EditPlan(request, inputs: EditInputs(request), model: model, settings: settings).memory == nil)
    }
}
