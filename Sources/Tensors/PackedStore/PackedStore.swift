internal import CKernels
internal import Parallel

/// Weights as products want them, found by what they are: by what their tensors' elements are (`WeightIdentity`), the
/// element type that they are rounded to, and the layout. Whoever asks for the same gets the same, so that two models
/// share what they have in common, and a model with a LoRA shares what the LoRA leaves as it is.
///
/// What is in memory keeps to one budget, that of the model that computes: what other models use leaves before its own,
/// what no open model uses first of all, and of these what was not used for longest. Packed weights that a file has
/// leave by their pages, others are packed anew when they are next needed. Those that are in use stay.
final class PackedStore {
    /// Equal for weights that give the same packed bytes in the same layout.
    fileprivate struct Key: Hashable {
        let parts: [WeightIdentity]
        let type: ElementType
    }

    /// The packed forms of the same weights, one for each layout that products asked for.
    final class Slot {
        fileprivate(set) var forms: [PackedWeights] = []
        /// The `Compute`s that may ask for more of them.
        fileprivate var users: Set<Int> = []
        fileprivate let key: Key
        /// Whether nobody who comes later can ask for them.
        fileprivate let isObject: Bool
        /// What the key names by address: it lives on, so that nothing else gets that address.
        private let owners: [AnyObject]

        fileprivate init(_ weights: ProductWeights, key: Key) {
            self.key = key
            isObject = key.parts.contains(where: \.isObject)
            owners = isObject ? weights.parts.flatMap { [$0.owner] + $0.corrections } : []
        }
    }

    /// What a model allows its weights.
    struct Terms {
        /// Names the model among others.
        var user: Int
        /// Bytes of packed weights that may stay in memory.
        var budget: Int
        /// Whether those that are asked for now may be among them.
        var mayStay: Bool
        /// Whether as many as can be should be able to leave memory.
        var isMemoryShort: Bool
        /// The file of the model's packed weights; `nil` where there is none.
        var file: PackedWeightFile?
        /// A folder for files without names; `nil` where none is to be written.
        var spillFolder: String?
    }

    /// Packed weights are kept out of the activations' pool, as they live longer.
    let memory = MemoryPool()
    /// Bytes of packed weights that stay in memory between products.
    private(set) var residentBytes = 0
    /// How often weights were packed.
    private(set) var packings = 0
    private var slots: [Key: Slot] = [:]
    private let unusedLimit: Int
    private var uses = 0

    /// - Parameter unusedLimit: bytes that are kept for models that are opened again.
    init(unusedLimit: Int) { self.unusedLimit = unusedLimit }

    /// How many packed forms there are.
    var count: Int { slots.values.reduce(0) { $0 + $1.forms.count } }
    /// How many of them a model uses.
    func count(user: Int) -> Int { slots.values.reduce(0) { $0 + $1.forms.count { $0.users.contains(user) } } }

    /// Where the forms of these weights are, until the user is released.
    func slot(of weights: ProductWeights, type: ElementType, user: Int) -> Slot {
        let key = Key(parts: weights.parts.map(\.identity), type: type)
        let slot = slots[key] ?? Slot(weights, key: key)
        slots[key] = slot
        slot.users.insert(user)
        return slot
    }

    /// The form that `product` takes: packed already, found in the model's file, or packed now.
    /// - Parameters:
    ///   - slot: that of `weights`.
    ///   - scratch: gives memory for a moment.
    /// - Throws: `ComputeError`.
    func weights(
        _ weights: ProductWeights, in slot: Slot, for product: Product, type: ElementType, terms: Terms,
        scratch: (Int) throws -> Block
    ) throws -> PackedWeights {
        uses += 1
        for form in slot.forms where form.fits(product) {
            form.lastUse = uses
            if form.users.insert(terms.user).inserted, let file = weights.isAsInFile ? terms.file : nil {
                file.add(form, PackedWeightFile.Key(name: weights.name, layout: product.weightsLayout))
            }
            return form
        }
        let form = try make(weights, for: product, type: type, terms: terms, scratch: scratch)
        form.lastUse = uses
        form.users.insert(terms.user)
        slot.forms.append(form)
        if form.isResident { residentBytes += form.size }
        return form
    }

    private func make(
        _ weights: ProductWeights, for product: Product, type: ElementType, terms: Terms,
        scratch: (Int) throws -> Block
    ) throws -> PackedWeights {
        let name = weights.name
        let size = unsafe ckernels_product_weights_size(product.pointer)
        let key = PackedWeightFile.Key(name: name, layout: product.weightsLayout)
        let file = weights.isAsInFile ? terms.file : nil
        let isResident = terms.mayStay && hasRoom(for: size, terms)
        if let file, let found = unsafe file.bytes(key, size: size) {
            return try unsafe PackedWeights(
                product, bytes: found.bytes, isMapped: true, isResident: isResident, owner: found.owner, name: name)
        }
        let plain = try scratch(weights.count * type.size)
        var offset = 0
        for part in weights.parts {
            unsafe convert(part, to: plain.pointer + offset * type.size, type: type)
            offset += part.count
        }
        let spill =
            isResident && !terms.isMemoryShort ? nil : terms.spillFolder.flatMap { SpillFile(size: size, folder: $0) }
        let block = try spill == nil ? memory.block(bytes: size, limit: terms.budget) : nil
        let target = unsafe spill?.bytes.baseAddress ?? block!.pointer
        let status = unsafe ckernels_weights_pack(product.pointer, plain.pointer, target)
        guard status == 0 else { throw ComputeError.refused("the layout of \(name)", status: status) }
        let made = try unsafe PackedWeights(
            product, bytes: UnsafeRawBufferPointer(start: target, count: size), isMapped: spill != nil,
            isResident: isResident, owner: spill ?? block!, name: name)
        packings += 1
        file?.add(made, key)
        for part in weights.parts { part.dropPages() }
        return made
    }

    // MARK: Room

    /// Makes room for that many bytes by what the model does not use; whether there is.
    private func hasRoom(for size: Int, _ terms: Terms) -> Bool {
        guard terms.budget < .max else { return true }
        evict(until: terms.budget - size) { !$0.users.contains(terms.user) }
        return residentBytes <= terms.budget - size
    }

    /// Makes what stays in memory keep to the budget, also by what the model uses itself.
    func keep(to terms: Terms) {
        guard terms.budget < residentBytes else { return }
        evict(until: terms.budget) { !$0.users.contains(terms.user) }
        evict(until: terms.budget) { _ in true }
        memory.drain()
    }

    /// Lets forms leave memory until no more than `limit` bytes stay: what nobody uses first, then what was not used for
    /// longest.
    private func evict(until limit: Int, _ mayLeave: (PackedWeights) -> Bool) {
        guard residentBytes > limit else { return }
        var candidates: [(slot: Slot, isUsed: Int, lastUse: Int)] = []
        for slot in slots.values {
            for form in slot.forms where form.isResident && mayLeave(form) {
                candidates.append((slot, form.users.isEmpty ? 0 : 1, form.lastUse))
            }
        }
        candidates.sort { ($0.isUsed, $0.lastUse) < ($1.isUsed, $1.lastUse) }
        for candidate in candidates where residentBytes > limit {
            evict(from: candidate.slot, lastUse: candidate.lastUse)
        }
    }

    /// Of a slot the form that was used last then. One that is mapped leaves by its pages; one that somebody else holds
    /// stays.
    private func evict(from slot: Slot, lastUse: Int) {
        guard let index = slot.forms.firstIndex(where: { $0.lastUse == lastUse }) else { return }
        if slot.forms[index].isMapped {
            slot.forms[index].isResident = false
            slot.forms[index].dropPages()
            residentBytes -= slot.forms[index].size
        } else if isKnownUniquelyReferenced(&slot.forms[index]) {
            residentBytes -= slot.forms[index].size
            slot.forms.remove(at: index)
            dropIfEmpty(slot)
        }
    }

    private func dropIfEmpty(_ slot: Slot) {
        if slot.forms.isEmpty, slot.users.isEmpty { slots[slot.key] = nil }
    }

    // MARK: Users

    /// Lets go what a model used that is closed. What nobody uses any more stays only where it can be asked for again
    /// and no file has it, as far as the limit for that goes.
    func release(user: Int) {
        for slot in Array(slots.values) {
            slot.users.remove(user)
            remove(user: user, from: slot) { slot.isObject || $0.isMapped }
        }
        var unused = 0
        for slot in slots.values {
            for form in slot.forms where form.users.isEmpty { unused += form.size }
        }
        if unused > unusedLimit {
            evict(until: residentBytes - (unused - unusedLimit)) { $0.users.isEmpty }
        }
        memory.drain()
    }

    /// Gives the memory of these weights back, as far as no other model uses them.
    func release(_ slots: [Slot], user: Int) {
        for slot in slots { remove(user: user, from: slot) { _ in true } }
        memory.drain()
    }

    private func remove(user: Int, from slot: Slot, where leaves: (PackedWeights) -> Bool) {
        slot.forms.removeAll { form in
            guard form.users.remove(user) != nil, form.users.isEmpty, leaves(form) else { return false }
            if form.isResident { residentBytes -= form.size }
            return true
        }
        dropIfEmpty(slot)
    }

    /// Gives the pages of a model's weights in files back to the system; they come back as they are used.
    func dropMappedPages(user: Int) {
        for slot in slots.values {
            for form in slot.forms where form.users.contains(user) { form.dropPages() }
        }
    }
}

/// Writes a file's elements as `type`, in parallel.
private func convert(_ tensor: WeightTensor, to target: UnsafeMutableRawPointer, type: ElementType) {
    if !tensor.corrections.isEmpty {
        // Corrected in f32 and rounded once.
        let values = tensor.floats()
        unsafe values.withUnsafeBufferPointer { values in
            unsafe ckernels_kernels()!.pointee.convert(
                values.baseAddress!, CKERNELS_F32, target, type.kernelType, values.count)
        }
        return
    }
    let length = tensor.elementType.blockLength
    parallelRanges(tensor.count / length, minimum: (1 << 16) / length) { _, blocks in
        unsafe tensor.convert(
            blocks: blocks, to: target + blocks.lowerBound * length * type.size, type: type)
    }
}
