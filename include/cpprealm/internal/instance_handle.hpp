// How many handles an open realm has.
#pragma once

#include <utility>

namespace realm::internal {

class realm_instance;

/// The library counts handles; any thread may have one. The last one closes the realm.
struct counted_instance {
    virtual void retain() noexcept = 0;
    virtual void release() noexcept = 0;

protected:
    ~counted_instance() = default;
};

/// A handle to an instance; copies stand for the same one.
class instance_handle {
public:
    /// Takes over one that was retained for it.
    explicit instance_handle(counted_instance* retained) noexcept : instance_(retained) {}
    instance_handle(const instance_handle& other) noexcept : instance_(other.instance_) {
        if (instance_ != nullptr)
            instance_->retain();
    }
    instance_handle(instance_handle&& other) noexcept : instance_(other.instance_) {
        other.instance_ = nullptr;
    }
    instance_handle& operator=(instance_handle other) noexcept {
        std::swap(instance_, other.instance_);
        return *this;
    }
    ~instance_handle() {
        if (instance_ != nullptr)
            instance_->release();
    }

    [[nodiscard]] realm_instance* operator->() const noexcept;
    [[nodiscard]] realm_instance& operator*() const noexcept;
    friend bool operator==(const instance_handle& a, const instance_handle& b) noexcept {
        return a.instance_ == b.instance_;
    }

private:
    counted_instance* instance_;
};

} // namespace realm::internal
